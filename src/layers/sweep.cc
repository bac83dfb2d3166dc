// SPDX-License-Identifier: Apache-2.0
#include "layers/sweep.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "layers/inventory.h"

namespace cowshed::layers {

namespace {

class Sweep {
 public:
  Sweep(dm::Control& control, bool dry_run, const std::function<bool(const OurDevice&)>& resumes)
      : control_(control), dry_run_(dry_run), resumes_(resumes) {}

  std::vector<std::string> run(std::string_view uuid_prefix) {
    auto devices = list_devices(control_, uuid_prefix);
    // Newest views first: each stands on the next, and a device above a suspended one cannot be resumed for
    // good. Then what stands on the views.
    std::ranges::stable_sort(devices, [](const OurDevice& a, const OurDevice& b) {
      const Tier a_tier = tier_of(a.role), b_tier = tier_of(b.role);
      return a_tier != b_tier ? a_tier < b_tier : a.number > b.number;
    });
    for (const OurDevice& device : devices) clear(device);
    for (const OurDevice& device : devices) resume(device);
    // Top down, else the lower ones are still held.
    for (auto device = devices.rbegin(); device != devices.rend(); ++device) remove(*device);
    return std::move(report_);
  }

 private:
  void act(const std::string& what, const OurDevice& device, const std::function<void()>& action) {
    report_.push_back(fmt::format("{} {}", what, device.name.str()));
    if (!dry_run_) action();
  }

  void clear(const OurDevice& device) {
    const auto info = control_.info(device.uuid);
    if (info && info->has_inactive_table)
      act("clear the half-loaded table of", device, [&] { control_.clear(device.uuid); });
  }

  void resume(const OurDevice& device) {
    if (resumes_ && !resumes_(device)) return;
    const auto info = control_.info(device.uuid);
    if (info && info->suspended && info->has_live_table)
      act("resume suspended", device, [&] { control_.resume(device.uuid); });
  }

  void remove(const OurDevice& device) {
    const auto info = control_.info(device.uuid);
    if (!info || info->open_count > 0) return;
    if (!info->has_live_table)
      act("remove half-built", device, [&] { control_.remove(device.uuid); });
    else if (device.is_gone())
      act("remove stopped", device, [&] { control_.remove(device.uuid); });
    else if (tier_of(device.role) == Tier::support)
      act("remove left-over", device, [&] { control_.remove(device.uuid); });
  }

  dm::Control& control_;
  bool dry_run_;
  const std::function<bool(const OurDevice&)>& resumes_;
  std::vector<std::string> report_;
};

}  // namespace

namespace {

std::vector<OurDevice> orphans_of(dm::Control& control, std::string_view uuid_prefix,
                                  const std::set<std::string>& known) {
  auto devices = list_devices(control, uuid_prefix);
  std::erase_if(devices, [&](const OurDevice& device) { return known.contains(device.volume); });
  return devices;
}

bool is_open(dm::Control& control, const OurDevice& device) {
  const auto info = control.info(device.uuid);
  return info && info->open_count > 0;
}

}  // namespace

std::vector<std::string> remove_orphans(Host& host, std::string_view uuid_prefix,
                                        const std::set<std::string>& known, bool dry_run) {
  if (!host.has_device_mapper()) return {};
  dm::Control& control = host.control();
  std::vector<std::string> report;
  const auto say = [&](std::string_view what, const OurDevice& device) {
    report.push_back(fmt::format("{} {}, which no VM of the configuration has", what, device.name.str()));
  };
  auto left = orphans_of(control, uuid_prefix, known);
  if (dry_run) {
    for (const OurDevice& device : left) say("remove", device);
    return report;
  }
  // Each that goes may set free what it stood on.
  for (bool progress = true; progress;) {
    progress = false;
    std::erase_if(left, [&](const OurDevice& device) {
      if (is_open(control, device)) return false;
      control.remove(device.uuid);
      say("removed", device);
      return progress = true;
    });
  }
  for (const OurDevice& device : left) say("leave (it is open)", device);
  return report;
}

std::vector<std::string> sweep_devices(Host& host, std::string_view uuid_prefix, bool dry_run,
                                       const std::function<bool(const OurDevice&)>& resumes) {
  if (!host.has_device_mapper()) return {};
  return Sweep(host.control(), dry_run, resumes).run(uuid_prefix);
}

}  // namespace cowshed::layers
