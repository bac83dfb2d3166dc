// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/fd.h"

namespace cowshed {

/// A read lease on a file (fcntl(2)): while it is held nobody has the file open for writing, or mapped so.
/// Whoever opens it for writing waits until this goes, but not longer than /proc/sys/fs/lease-break-time
/// (45 s), and from the moment he begins to wait it is not held any more. So what was read between two looks
/// at which it was held is one state of the file.
class ReadLease {
 public:
  /// Of a file that was opened for reading alone, and stays open for as long as this lives. Nothing where
  /// somebody has it open for writing, it belongs to somebody else, or its file system has no leases.
  static std::optional<ReadLease> take(const Fd& fd);
  ~ReadLease();
  ReadLease(ReadLease&& other) noexcept;
  ReadLease& operator=(ReadLease&& other) noexcept;
  ReadLease(const ReadLease&) = delete;
  ReadLease& operator=(const ReadLease&) = delete;

  [[nodiscard]] bool is_held() const;

 private:
  explicit ReadLease(int fd) : fd_(fd) {}
  /// Below 0: moved from.
  int fd_;
};

/// Nobody else has the file open at this moment, be it a process or, as a loop device does, the kernel. `fd`:
/// a regular file. Costs the same however many files and loops there are. False also where it cannot be told,
/// as for a file of somebody else or of a file system without leases. (fcntl(2), F_WRLCK: whoever opens it
/// right now waits for this call.)
bool is_open_nowhere_else(const Fd& fd);

}  // namespace cowshed
