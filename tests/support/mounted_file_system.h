// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"

namespace cowshed::test {

/// A new file system on the VM's second disk ($RAW_DEV), mounted for as long as this lives; meanwhile tests
/// have their scratch() on it (COWSHED_SCRATCH). Throws where it cannot be made.
class MountedFileSystem {
 public:
  /// "xfs", "btrfs" or "ext4"; of at least 300 MiB, which XFS asks for.
  explicit MountedFileSystem(const std::string& type, Bytes size = mebibytes(512));
  MountedFileSystem(const MountedFileSystem&) = delete;
  MountedFileSystem& operator=(const MountedFileSystem&) = delete;
  ~MountedFileSystem();

  /// There is a second disk: this is the VM.
  static bool is_possible();
  static Path directory() { return "/mnt"; }
};

}  // namespace cowshed::test
