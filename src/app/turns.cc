// SPDX-License-Identifier: Apache-2.0
#include "app/turns.h"

#include <algorithm>

#include "base/undo.h"

namespace cowshed::app {

thread_local Turn* Turn::current = nullptr;

std::shared_ptr<std::mutex> Turns::mutex_of(const VmName& vm) {
  const std::lock_guard lock(vms_mutex_);
  auto& mutex = vms_[vm];
  if (!mutex) mutex = std::make_shared<std::mutex>();
  return mutex;
}

void Turns::forget_unused() {
  const std::lock_guard lock(vms_mutex_);
  std::erase_if(vms_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

Turn::Turn(Turns& turns, Definitions definitions, std::vector<VmName> vms) : turns_(turns) {
  std::sort(vms.begin(), vms.end());
  vms.erase(std::unique(vms.begin(), vms.end()), vms.end());
  for (const auto& vm : vms) vms_.push_back(turns_.mutex_of(vm));
  enter_vms();
  enter(definitions == Definitions::alone ? Mode::alone : Mode::shared);
  current = this;
}

Turn::~Turn() {
  current = nullptr;
  leave();
  leave_vms();
  vms_.clear();
  turns_.forget_unused();
}

// Before the definitions: who waits for a VM keeps nobody else waiting.
void Turn::enter_vms() {
  for (const auto& vm : vms_) vm->lock();
}

void Turn::leave_vms() {
  for (const auto& vm : vms_) vm->unlock();
}

void Turn::enter(Mode mode) {
  mode_ = mode;
  if (mode == Mode::alone) turns_.definitions_.lock();
  if (mode == Mode::shared) turns_.definitions_.lock_shared();
}

void Turn::leave() {
  if (mode_ == Mode::alone) turns_.definitions_.unlock();
  if (mode_ == Mode::shared) turns_.definitions_.unlock_shared();
  mode_ = Mode::none;
}

void Turn::in_mode(Mode mode, const std::function<void()>& body) {
  Turn* const turn = current;
  if (turn == nullptr || turn->mode_ == mode) return body();
  const Mode before = turn->mode_;
  turn->leave();
  const Undo change_back([turn, before] {
    turn->leave();
    turn->enter(before);
  });
  turn->enter(mode);
  body();
}

void Turn::with_vms_only(const std::function<void()>& body) { in_mode(Mode::none, body); }
void Turn::alone(const std::function<void()>& body) { in_mode(Mode::alone, body); }

void Turn::step_aside(const std::function<void()>& body) {
  Turn* const turn = current;
  if (turn == nullptr) return body();
  in_mode(Mode::none, [&] {
    turn->leave_vms();
    const Undo come_back([turn] { turn->enter_vms(); });
    body();
  });
}

}  // namespace cowshed::app
