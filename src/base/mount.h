// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/file.h"

namespace cowshed {

/// A line of /proc/self/mountinfo (proc(5)).
struct Mount {
  Path point;
  /// "ext4"
  std::string type;
  /// "/dev/sda2"
  std::string source;
  /// Those of the mount and those of the file system.
  std::set<std::string> options;
};

/// The mount that shows `path` (absolute, without symbolic links): the last one with the longest mount point
/// above it. Lines that make no sense are passed over.
std::optional<Mount> mount_of(const Path& path, const std::string& mountinfo);

}  // namespace cowshed
