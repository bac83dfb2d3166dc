// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/file.h"

/// How loop devices are called in /dev and sysfs.
namespace cowshed::loop {

/// 7 -> "/dev/loop7"
Path node_of(int number);
/// "loop7" -> 7; nothing for partitions ("loop7p1") and what is no loop.
std::optional<int> number_in(std::string_view device_name);

}  // namespace cowshed::loop
