// SPDX-License-Identifier: Apache-2.0
#include "layers/holds.h"

#include "base/undo.h"

namespace cowshed::layers {

void suspend_session(dm::Control& control, const dm::DmUuid& uuid) {
  control.suspend(uuid, {.flush = false, .lock_fs = false});
}

template <typename Body>
bool Holds::change(const std::string& uuid, Body body) {
  {
    const std::lock_guard guard(mutex_);
    if (operations_.contains(uuid)) return false;
    changing_.insert(uuid);
  }
  const Undo at_the_end([&] {
    const std::lock_guard guard(mutex_);
    changing_.erase(uuid);
    changed_.notify_all();
  });
  body();
  return true;
}

bool Holds::hold(dm::Control& control, const dm::DmUuid& device) {
  return change(device.str(), [&] { suspend_session(control, device); });
}

bool Holds::release(dm::Control& control, const dm::DmUuid& device) {
  return change(device.str(), [&] { control.resume(device); });
}

void Holds::begin_operation(const std::string& uuid) {
  std::unique_lock guard(mutex_);
  ++operations_[uuid];
  changed_.wait(guard, [&] { return !changing_.contains(uuid); });
}

void Holds::end_operation(const std::string& uuid) {
  const std::lock_guard guard(mutex_);
  if (--operations_[uuid] == 0) operations_.erase(uuid);
}

Holds::Lifted::Lifted(Holds& holds, dm::Control& control, const dm::DmUuid& device)
    : holds_(holds), uuid_(device.str()) {
  holds_.begin_operation(uuid_);
  Undo undo([this] { holds_.end_operation(uuid_); });
  const auto info = control.info(device);
  was_held_ = info && info->suspended;
  if (was_held_) control.resume(device);
  undo.release();
}

Holds::Lifted::~Lifted() { holds_.end_operation(uuid_); }

}  // namespace cowshed::layers
