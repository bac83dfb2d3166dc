// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace bench {

/// The device-mapper and loop devices there are, by their directories in sysfs: what `dmsetup ls` and
/// `losetup -a` would list.
class Devices {
 public:
  static Devices now();
  /// Those that are here and not there. What is in use of a loop device is an attribute that comes and goes.
  [[nodiscard]] std::vector<std::string> beyond(const Devices& before) const;

 private:
  /// Sorted.
  std::vector<std::string> entries_;
};

/// A device-mapper device and the loop devices right under it, as Departure wants them.
std::vector<std::string> entries_under(const std::string& node);

/// Waits for devices to go, woken by the kernel's events: to look again and again would take the one CPU of a
/// user-mode kernel away from what is waited for.
class Departure {
 public:
  /// Before the first of them goes.
  explicit Departure(std::vector<std::string> entries);
  /// Returns when none of the entries is there any more.
  void wait();

 private:
  void wait_for_event();

  std::vector<std::string> entries_;
  cowshed::Fd events_;
};

/// Returns when udev, where it runs, has dealt with everything, so that none of it falls into the next tool's
/// time.
void wait_for_udev();

}  // namespace bench
