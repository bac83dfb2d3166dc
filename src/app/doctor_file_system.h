// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/checkup.h"
#include "base/mount.h"
#include "base/units.h"

/// What the doctor thinks of the file system under a pool. Pure.
namespace cowshed::app {

/// By its type.
Finding judge_file_system(const Mount& mount);
/// By the options it is mounted with.
Finding judge_options(const Mount& mount);

struct Room {
  Bytes size, available;
  /// 0 where the file system makes inodes as it needs them.
  std::uint64_t inodes = 0, available_inodes = 0;
};
/// A file system that runs full under a VM is not a file system's trouble alone: writes of guests fail.
Finding judge_space(const Room& room);

}  // namespace cowshed::app
