// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "dm/control.h"

namespace cowshed::dm {

/// A device that is being built: created, then loaded, then resumed. Unless kept, the destructor removes it
/// (by deferred removal, so a foreign program that has it open for a moment does not keep it; a failure is
/// logged). Move-only; the Control must outlive it.
class Device {
 public:
  /// DEV_CREATE. Throws exists when the name or the UUID is taken.
  static Device create(Control& control, const DmName& name, const DmUuid& uuid);
  /// Without a UUID, for a layer that gets one later (Control::set_uuid). Nobody else may use such a name.
  static Device create(Control& control, const DmName& name);
  /// DEV_CREATE, TABLE_LOAD, resume, in one; what fails is undone.
  static Device bring_up(Control& control, const DmName& name, const DmUuid& uuid, const Table& table,
                         bool read_only = false);

  Device(Device&& other) noexcept;
  Device& operator=(Device&&) = delete;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  /// As Control::load.
  void load(const Table& table, bool read_only = false, bool secure = false);
  void resume();
  [[nodiscard]] DeviceNumber number() const { return number_; }
  /// It stays when this object goes.
  DeviceNumber keep();

 private:
  Device(Control& control, DeviceId id, DeviceNumber number)
      : control_(&control), id_(std::move(id)), number_(number) {}
  Control* control_;
  /// A number could be somebody else's by the time of the removal; a UUID cannot, nor a name of ours.
  DeviceId id_;
  DeviceNumber number_;
};

/// Replaces the live table of a running device without holding its readers for longer than the swap: loads
/// into the inactive slot while the old table runs, lets `check` look at the inactive slot's status, then one
/// resume. Any failure clears the inactive slot and leaves the old table running. `check` throws at what it
/// does not like; it may be empty. The caller must not have suspended the device: a swap that fails late
/// resumes it.
using StatusCheck = std::function<void(const std::vector<RawLine>& inactive_status)>;
void swap_table(Control& control, const DeviceId& id, const Table& table, bool read_only,
                const StatusCheck& check);

/// "/dev/dm-N", the node the kernel makes.
std::string node_of(DeviceNumber number);

}  // namespace cowshed::dm
