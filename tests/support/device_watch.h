// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"

namespace cowshed::test {

/// Somebody opened a node of /dev, or read from it.
struct DeviceAccess {
  /// "loop3", "dm-1"
  std::string device;
  pid_t pid = 0;
  /// Empty where the program has ended.
  std::string program;
  bool read = false;
};
std::string to_string(const DeviceAccess& access);

/// Tells who opens and reads the nodes of /dev from the moment of construction on (fanotify by file handle,
/// which itself opens none).
class DeviceWatch {
 public:
  DeviceWatch();
  /// Of other processes than this one, on devices whose name begins with one of `prefixes`, since the last
  /// call.
  std::vector<DeviceAccess> foreign(const std::vector<std::string>& prefixes);

 private:
  std::vector<DeviceAccess> all();
  Fd fd_;
};

}  // namespace cowshed::test
