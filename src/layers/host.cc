// SPDX-License-Identifier: Apache-2.0
#include "layers/host.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cowshed::layers {

namespace {

// Grace periods overlap: removing one layer each in 16 threads takes a tenth of the time one by one, more
// threads gain little (measured on two CPUs).
std::size_t max_threads() { return Host::removal_waits() ? 16 : 1; }

}  // namespace

Host::Host() : workers_(max_threads()) {}
Host::Host(std::unique_ptr<dm::IoctlPort> port)
    : control_(std::make_unique<dm::Control>(std::move(port))), workers_(max_threads()) {}
Host::~Host() = default;

bool Host::removal_waits() {
  static const bool several_cpus = std::thread::hardware_concurrency() > 1;
  return several_cpus;
}

dm::Control& Host::control() {
  const std::lock_guard guard(mutex_);
  if (!control_) control_ = std::make_unique<dm::Control>();
  if (only_looks_) control_->list_once();
  return *control_;
}

bool Host::has_device_mapper() {
  try {
    control();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_supported) return false;
    throw;
  }
}

FairMutex& Host::lock_of(const std::string& base_key) {
  const std::lock_guard guard(mutex_);
  auto& lock = locks_[base_key];
  if (!lock) lock = std::make_unique<FairMutex>();
  return *lock;
}

WarmStock& Host::warm_of(const std::string& base_key) {
  const std::lock_guard guard(mutex_);
  auto& stock = warm_[base_key];
  if (!stock) stock = std::make_unique<WarmStock>();
  return *stock;
}

bool Host::keeps_warm() {
  const std::lock_guard guard(mutex_);
  return !warm_.empty();
}

bool Host::keeps_warm(std::string_view name) {
  const std::lock_guard guard(mutex_);
  return std::ranges::any_of(warm_, [&](const auto& entry) { return entry.second->owns(name); });
}

void Host::leave_to_recovery(std::string why) {
  const std::lock_guard guard(mutex_);
  left_to_recovery_ = std::move(why);
}

void Host::finish_teardowns() {
  workers_.drain();
  const std::lock_guard guard(mutex_);
  if (const auto why = std::exchange(left_to_recovery_, std::nullopt))
    throw Error(ErrorKind::kernel_refused, "a stopped layer is left to recovery: " + *why);
}

}  // namespace cowshed::layers
