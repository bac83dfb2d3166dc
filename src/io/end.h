// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"

namespace cowshed::io {

/// One side of a copy: a regular file or a block device that the caller has opened. It is read and written
/// the way it was opened, with O_DIRECT or through the page cache; the caller keeps the descriptor open. The
/// name is for messages.
///
/// What is not aligned as direct I/O wants it goes through a second, buffered descriptor of the same file,
/// which is opened when it is first needed (/proc/self/fd; an unnamed file will do).
class End {
 public:
  /// Throws Error: invalid_argument for what is neither a file nor a block device.
  End(const Fd& fd, Path name);

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const Path& name() const { return name_; }
  [[nodiscard]] bool is_direct() const { return is_direct_; }
  [[nodiscard]] bool is_regular() const { return is_regular_; }
  /// What offset, length and address of a direct request must be a multiple of (statx(2), STATX_DIOALIGN,
  /// Linux 6.1; before that a block device's sector or a file system's block).
  [[nodiscard]] Bytes alignment() const { return alignment_; }
  /// Of the file system: the unit in which extents can be shared.
  [[nodiscard]] Bytes block_size() const { return block_size_; }
  /// Lies on a file system whose server may copy by itself: NFS, SMB, Ceph, FUSE.
  [[nodiscard]] bool is_remote() const { return is_remote_; }
  /// Where it ends now.
  [[nodiscard]] Bytes size() const;
  /// fd() where that is buffered already. Not thread-safe. Throws Error where it cannot be opened again.
  [[nodiscard]] int buffered_fd() const;

 private:
  int fd_;
  Path name_;
  bool is_direct_ = false, is_regular_ = false, is_remote_ = false;
  Bytes alignment_, block_size_;
  mutable Fd buffered_;
};

/// Opens with O_DIRECT, or without it where the file system has no direct I/O. `flags` as open(2).
Fd open_direct_if_possible(const Path& path, int flags);

}  // namespace cowshed::io
