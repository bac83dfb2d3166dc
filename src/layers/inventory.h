// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dm/control.h"
#include "layers/host.h"
#include "layers/names.h"

/// What runs, asked of the kernel anew each time: nothing about it is stored anywhere else.
namespace cowshed::layers {

struct OurDevice {
  std::string volume;
  Role role;
  /// See Role.
  std::uint64_t number = 0;
  dm::DeviceNumber device;
  dm::DmName name;
  dm::DmUuid uuid;
  /// How many events the kernel has told of it.
  std::uint32_t event_number = 0;
  /// Nobody's: its stop was answered and it is on its way out, or it is a warm layer whose handing out was
  /// cut off.
  [[nodiscard]] bool is_gone() const { return is_gone_name(name.str()) || is_warm_name(name.str()); }
};

/// Devices whose UUID begins with `uuid_prefix` and is one of ours, views oldest first.
std::vector<OurDevice> list_devices(dm::Control& control, std::string_view uuid_prefix);
/// The devices of one volume.
std::vector<OurDevice> list_devices(dm::Control& control, const VolumeKey& key);

/// Nothing where it is not one of ours.
std::optional<OurDevice> our_device(const dm::DeviceInfo& info);

/// The device that the volume's guest has, while the volume runs; `roles`: what it may be. Where there is no
/// device-mapper nothing runs. By its name, which costs the same however many devices there are: the kernel
/// goes through all of them for a list.
std::optional<OurDevice> find_guest_device(Host& host, const VolumeKey& key, std::span<const Role> roles);
/// The same as the kernel describes it.
std::optional<dm::DeviceInfo> find_guest(Host& host, const VolumeKey& key, std::span<const Role> roles);

/// Throws in_use when someone holds the device open; `info`: of it, just asked for.
void refuse_while_open(const OurDevice& device, const std::optional<dm::DeviceInfo>& info);
void refuse_while_open(dm::Control& control, const OurDevice& device);
/// Removes it; throws in_use when someone holds it open.
void remove_unopened(dm::Control& control, const OurDevice& device);

}  // namespace cowshed::layers
