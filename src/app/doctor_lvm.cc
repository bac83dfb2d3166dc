// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "app/doctor_parts.h"
#include "app/lvm_filter.h"

namespace cowshed::app {

namespace {

/// The names that devices of cowshed have in /dev: no others, since udev is told to make no links.
constexpr std::array our_names = {"/dev/dm-7", "/dev/loop7"};

/// What stands on device-mapper and is the host's own keeps its name, /dev/mapper/NAME.
constexpr const char* advice =
    R"(in the section devices of /etc/lvm/lvm.conf: global_filter = [ "a|^/dev/mapper/|", "r|^/dev/(dm-|loop)|" ])";

bool is_installed(const HostPaths& host) {
  return std::ranges::any_of(std::array{"usr/sbin/lvm", "sbin/lvm", "usr/bin/lvm"},
                             [&](const char* program) { return path_exists(host.at(program)); });
}

/// Then LVM looks at the devices of that file alone (lvmdevices(8)).
bool uses_devices_file(const HostPaths& host, const std::string& config) {
  const auto name = lvm_strings(config, "devicesfile").value_or(std::vector<std::string>{"system.devices"});
  const bool is_on = lvm_number(config, "use_devicesfile").value_or(0) == 1;
  return is_on && !name.empty() && path_exists(host.at("etc/lvm/devices") / name.front());
}

bool is_scanned(const std::string& config, const std::string& device) {
  return std::ranges::all_of(std::array{"global_filter", "filter"}, [&](const char* key) {
    const auto filter = lvm_strings(config, key);
    return !filter || lvm_accepts(*filter, device);
  });
}

Finding filter(const HostPaths& host) {
  if (!is_installed(host)) return good("LVM is not installed");
  const auto config = read_file_if_exists(host.at("etc/lvm/lvm.conf"), mebibytes(4)).value_or("");
  if (uses_devices_file(host, config)) return good("LVM looks only at the devices of its devices file");
  std::string scanned;
  for (const char* device : our_names)
    if (is_scanned(config, device)) scanned += fmt::format("{}{}", scanned.empty() ? "" : ", ", device);
  if (scanned.empty()) return good("LVM's filter leaves cowshed's devices out");
  return warning(
      fmt::format("LVM looks for volume groups on devices such as {}, and so on what guests write", scanned),
      advice);
}

}  // namespace

void check_lvm(Checkup& checkup, const HostPaths& host) {
  checkup.check("lvm.filter", [&] { return filter(host); });
}

}  // namespace cowshed::app
