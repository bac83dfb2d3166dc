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

std::optional<dm::DeviceInfo> find_by_name(dm::Control& control, const VolumeKey& key, Role role) {
  constexpr std::uint64_t not_part_of_it = 0;
  auto info = control.info(key.name(role, not_part_of_it));
  if (!info) return std::nullopt;
  const auto parsed = parse_uuid(info->uuid);
  return parsed && parsed->volume == key.volume() ? std::move(info) : std::nullopt;
}

}  // namespace

std::optional<OurDevice> our_device(const dm::DeviceInfo& info) {
  const auto parsed = parse_uuid(info.uuid);
  if (!parsed) return std::nullopt;
  return OurDevice{parsed->volume, parsed->role,          parsed->number,   info.number,
                   info.name,      dm::DmUuid(info.uuid), info.event_number};
}

std::optional<dm::DeviceInfo> find_guest(Host& host, const VolumeKey& key, std::span<const Role> roles) {
  if (!host.has_device_mapper()) return std::nullopt;
  for (const Role role : roles)
    if (auto info = find_by_name(host.control(), key, role)) return info;
  return std::nullopt;
}

std::optional<OurDevice> find_guest_device(Host& host, const VolumeKey& key, std::span<const Role> roles) {
  if (!host.has_device_mapper()) return std::nullopt;
  if (host.control().lists_once()) return find_in_list(host.control(), key);
  const auto info = find_guest(host, key, roles);
  return info ? our_device(*info) : std::nullopt;
}

namespace {

std::string still_open(const OurDevice& device) {
  return fmt::format("{} ({}) is still open; let the guest close it first", dm::node_of(device.device),
                     device.name.str());
}

}  // namespace

void refuse_while_open(const OurDevice& device, const std::optional<dm::DeviceInfo>& info) {
  if (info && info->open_count > 0) throw Error(ErrorKind::in_use, still_open(device));
}

void refuse_while_open(dm::Control& control, const OurDevice& device) {
  refuse_while_open(device, control.info(device.uuid));
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
