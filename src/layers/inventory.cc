// SPDX-License-Identifier: Apache-2.0
#include "layers/inventory.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "dm/device.h"

namespace cowshed::layers {

std::vector<OurDevice> list_devices(dm::Control& control, std::string_view uuid_prefix) {
  std::vector<OurDevice> devices;
  for (const dm::ListEntry& entry : control.list(uuid_prefix)) {
    const auto parsed = parse_uuid(entry.uuid);
    if (!parsed) continue;
    devices.push_back({parsed->volume, parsed->role, parsed->number, entry.number, dm::DmName(entry.name),
                       dm::DmUuid(entry.uuid), entry.event_number});
  }
  std::ranges::stable_sort(devices, {}, &OurDevice::number);
  return devices;
}

std::vector<OurDevice> list_devices(dm::Control& control, const VolumeKey& key) {
  auto devices = list_devices(control, key.uuid_prefix());
  // Another volume's name may begin with this one's and a '-'.
  std::erase_if(devices, [&](const OurDevice& device) { return device.volume != key.volume(); });
  return devices;
}

namespace {

std::optional<OurDevice> find_in_list(dm::Control& control, const VolumeKey& key) {
  for (OurDevice& device : list_devices(control, key))
    if (tier_of(device.role) == Tier::guest && !device.is_gone()) return std::move(device);
  return std::nullopt;
}

std::optional<OurDevice> find_by_name(dm::Control& control, const VolumeKey& key, Role role) {
  constexpr std::uint64_t not_part_of_it = 0;
  const auto info = control.info(key.name(role, not_part_of_it));
  if (!info) return std::nullopt;
  const auto parsed = parse_uuid(info->uuid);
  if (!parsed || parsed->volume != key.volume()) return std::nullopt;
  return OurDevice{parsed->volume, parsed->role,           parsed->number,    info->number,
                   info->name,     dm::DmUuid(info->uuid), info->event_number};
}

}  // namespace

std::optional<OurDevice> find_guest_device(Host& host, const VolumeKey& key, std::span<const Role> roles) {
  if (!host.has_device_mapper()) return std::nullopt;
  dm::Control& control = host.control();
  if (control.lists_once()) return find_in_list(control, key);
  for (const Role role : roles)
    if (auto device = find_by_name(control, key, role)) return device;
  return std::nullopt;
}

namespace {

std::string still_open(const OurDevice& device) {
  return fmt::format("{} ({}) is still open; let the guest close it first", dm::node_of(device.device),
                     device.name.str());
}

}  // namespace

void refuse_while_open(dm::Control& control, const OurDevice& device) {
  const auto info = control.info(device.uuid);
  if (info && info->open_count > 0) throw Error(ErrorKind::in_use, still_open(device));
}

void remove_unopened(dm::Control& control, const OurDevice& device) {
  try {
    control.remove(device.uuid);
  } catch (Error& error) {
    if (error.kind() == ErrorKind::in_use) error.add_context(still_open(device));
    throw;
  }
}

}  // namespace cowshed::layers
