// SPDX-License-Identifier: Apache-2.0
#include "dm/device.h"

#include <fmt/core.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"

namespace cowshed::dm {

namespace {

/// Deferred, because a foreign program may look at the new device at this very moment; then it goes when that
/// closes it.
void remove_if_there(Control& control, const DeviceId& id) {
  try {
    control.remove(id, true);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

}  // namespace

Device Device::create(Control& control, const DmName& name, const DmUuid& uuid) {
  return {control, uuid, control.create(name, uuid).number};
}

Device Device::create(Control& control, const DmName& name) {
  return {control, name, control.create(name).number};
}

Device Device::bring_up(Control& control, const DmName& name, const DmUuid& uuid, const Table& table,
                        bool read_only) {
  Device device = create(control, name, uuid);
  device.load(table, read_only);
  device.resume();
  return device;
}

Device::Device(Device&& other) noexcept
    : control_(std::exchange(other.control_, nullptr)), id_(std::move(other.id_)), number_(other.number_) {}

Device::~Device() {
  if (control_ == nullptr) return;
  const Undo undo([&] { remove_if_there(*control_, id_); });
}

void Device::load(const Table& table, bool read_only, bool secure) {
  control_->load(id_, table, read_only, secure);
}

void Device::resume() { control_->resume(id_); }

DeviceNumber Device::keep() {
  control_ = nullptr;
  return number_;
}

namespace {

/// A resume that fails may have suspended the device and left it so (drivers/md/dm-ioctl.c, do_resume).
void resume_with_new_table(Control& control, const DeviceId& id) {
  Undo old_table_goes_on([&] {
    control.clear(id);
    control.resume(id);
  });
  control.resume(id);
  old_table_goes_on.release();
}

}  // namespace

void swap_table(Control& control, const DeviceId& id, const Table& table, bool read_only,
                const StatusCheck& check) {
  Undo old_table_goes_on([&] { control.clear(id); });
  control.load(id, table, read_only);
  if (check) check(control.status(id, Slot::inactive));
  // From here on undoing takes more, and the resume that is part of it must not find a table to swap in.
  old_table_goes_on.release();
  resume_with_new_table(control, id);
}

std::string node_of(DeviceNumber number) { return fmt::format("/dev/dm-{}", number.minor); }

}  // namespace cowshed::dm
