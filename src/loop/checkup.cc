// SPDX-License-Identifier: Apache-2.0
#include "loop/checkup.h"

#include <fmt/core.h>

#include <bit>
#include <cstdlib>

#include "base/kernel_release.h"
#include "loop/loop.h"
#include "loop/node.h"

namespace cowshed::loop {

namespace {

bool is_loaded(const HostPaths& host) {
  return path_exists(host.at("sys/class/misc/loop-control")) ||
         module_state(host, "loop") == ModuleState::loaded;
}

Finding not_loaded(const HostPaths& host) {
  switch (module_state(host, "loop")) {
    case ModuleState::loadable:
      // Opening the node that systemd makes in advance has the kernel load it.
      return bad_if(!path_exists(host.at("dev/loop-control")), "the module loop is not loaded",
                    "modprobe loop");
    case ModuleState::refused:
      return bad("loading the module loop is forbidden (/etc/modprobe.d, kernel.modules_disabled)",
                 "allow it, then: modprobe loop");
    default:
      return bad("this kernel has no loop devices",
                 "modprobe loop; where there is none, boot a kernel that has it");
  }
}

Finding control_device(const HostPaths& host) {
  if (!is_loaded(host)) return not_loaded(host);
  if (path_exists(host.at("dev/loop-control"))) return good("/dev/loop-control is there");
  return bad("/dev/loop-control is missing, although the kernel has loop devices",
             "mknod -m 660 /dev/loop-control c 10 237");
}

Finding configure(const HostPaths& host) {
  const auto release = KernelRelease::of(host);
  if (release.is_at_least(5, 8)) return good("LOOP_CONFIGURE with direct I/O (Linux 5.8 and later)");
  return bad(fmt::format("Linux {} has no LOOP_CONFIGURE", release.text),
             "boot a newer kernel (Linux 5.8 or later)");
}

struct Count {
  unsigned attached = 0, ours = 0;
};

Count count(const HostPaths& host) {
  Count result;
  for (const auto& name : host.names_in("sys/block")) {
    const auto loop = host.at("sys/block") / name / "loop";
    if (!number_in(name) || !path_exists(loop)) continue;
    ++result.attached;
    const auto limit = read_file_if_exists(loop / "sizelimit", kibibytes(4));
    if (limit && std::strtoull(limit->c_str(), nullptr, 10) == mark) ++result.ours;
  }
  return result;
}

/// Devices have 20 bits of minor numbers, and each takes as many as it can have partitions (loop_add;
/// MINORBITS). max_loop bounds only devices that are made by opening their node; LOOP_CTL_GET_FREE, which
/// cowshed uses, goes beyond.
unsigned most_devices(const HostPaths& host) {
  const auto most_partitions = host.line_of("sys/module/loop/parameters/max_part").value_or("0");
  const auto bits = std::bit_width(static_cast<unsigned>(std::strtoul(most_partitions.c_str(), nullptr, 10)));
  return (1U << 20U) >> static_cast<unsigned>(bits);
}

Finding limit(const HostPaths& host) {
  if (!is_loaded(host)) return unknown("the loop driver is not loaded", "modprobe loop");
  const Count used = count(host);
  const unsigned most = most_devices(host);
  auto seen = fmt::format("{} of {} loop devices are attached, {} of them by cowshed", used.attached, most,
                          used.ours);
  const auto max_loop = host.line_of("sys/module/loop/parameters/max_loop").value_or("0");
  if (max_loop != "0") seen += fmt::format(" (max_loop={} does not bound cowshed)", max_loop);
  if (used.attached < most / 10 * 9) return good(std::move(seen));
  return bad_if(used.attached >= most, std::move(seen),
                "stop VMs; options loop max_part=0 in /etc/modprobe.d/loop.conf makes room for more");
}

}  // namespace

void check_loop(Checkup& checkup, const HostPaths& host) {
  checkup.check("loop.control", [&] { return control_device(host); });
  checkup.check("loop.configure", [&] { return configure(host); });
  checkup.check("loop.limit", [&] { return limit(host); });
}

}  // namespace cowshed::loop
