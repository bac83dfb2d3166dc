// SPDX-License-Identifier: Apache-2.0
#include "layers/holds.h"

#include "base/undo.h"

namespace cowshed::layers {

void suspend_session(dm::Control& control, const dm::DmUuid& uuid) {
  control.suspend(uuid, {.flush = false, .lock_fs = false});
}

template <typename Body>
bool Holds::change(const std::string& volume, Body body) {
  {
    const std::lock_guard guard(mutex_);
    if (operations_.contains(volume)) return false;
    changing_.insert(volume);
  }
  const Undo at_the_end([&] {
    const std::lock_guard guard(mutex_);
    changing_.erase(volume);
    changed_.notify_all();
  });
  body();
  return true;
}

bool Holds::hold(dm::Control& control, const std::string& volume, const dm::DmUuid& device) {
  return change(volume, [&] { suspend_session(control, device); });
}

bool Holds::release(dm::Control& control, const std::string& volume, const dm::DmUuid& device) {
  return change(volume, [&] { control.resume(device); });
}

void Holds::begin_operation(const std::string& volume) {
  std::unique_lock guard(mutex_);
  ++operations_[volume];
  changed_.wait(guard, [&] { return !changing_.contains(volume); });
}

void Holds::end_operation(const std::string& volume) {
  const std::lock_guard guard(mutex_);
  if (--operations_[volume] == 0) operations_.erase(volume);
}

}  // namespace cowshed::layers
