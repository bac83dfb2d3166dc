// SPDX-License-Identifier: Apache-2.0
// App: looking after the space that sessions take (docs/space.md).
#include <fmt/core.h>

#include <algorithm>

#include "app/app.h"
#include "base/log.h"

namespace cowshed::app {

namespace {

template <typename Step>
void attempt(const PoolName& pool, Step step) {
  try {
    step();
  } catch (const std::exception& failure) {
    log_warning(fmt::format("pool '{}': {}", pool.str(), failure.what()));
  }
}

}  // namespace

std::vector<pools::Pool*> App::loaded_pools() {
  const std::lock_guard guard(registry_mutex_);
  std::vector<pools::Pool*> result;
  for (const auto& entry : pools_) result.push_back(entry.second.get());
  return result;
}

std::vector<pools::Volume*> App::volumes_of(const pools::Pool& pool) {
  std::vector<pools::Volume*> result;
  for (const auto& listed : vms())
    if (listed.vm != nullptr)
      for (pools::Volume* volume : listed.vm->volumes())
        if (&volume->pool() == &pool) result.push_back(volume);
  return result;
}

void App::begin_guard() {
  for (const auto& entry : config_.pools)
    attempt(entry.first, [&] {
      pools::Pool& guarded = pool(entry.first);
      guarded.begin_guard(volumes_of(guarded));
    });
}

void App::end_guard() {
  host_.set_guarded(false);
  for (pools::Pool* guarded : loaded_pools())
    attempt(guarded->name(), [&] {
      // Who comes next lets them go on.
      if (!guarded->end_guard(volumes_of(*guarded))) leave_unclean();
    });
}

void App::forget_pool(const PoolName& name) {
  const std::lock_guard still(guard_mutex_);
  const std::lock_guard guard(registry_mutex_);
  pools_.erase(name);
}

SpaceReport App::guard_space() {
  const std::lock_guard still(guard_mutex_);
  SpaceReport report;
  for (pools::Pool* guarded : loaded_pools()) {
    GuardReport seen;
    try {
      seen = guarded->guard();
    } catch (const std::exception& failure) {
      seen.events.push_back({.kind = GuardEvent::Kind::failed, .message = failure.what()});
    }
    report.next = std::min(report.next, seen.next);
    add_guard_events(report, *guarded, std::move(seen.events));
    seen.events.clear();
    report.pools.push_back({guarded->name(), std::move(seen)});
  }
  return report;
}

void App::add_guard_events(SpaceReport& report, const pools::Pool& pool, std::vector<GuardEvent> events) {
  const std::lock_guard guard(registry_mutex_);
  for (GuardEvent& event : events) {
    SpaceReport::Event named{pool.name(), std::move(event)};
    for (const auto& [name, vm] : vms_)
      for (const pools::Volume* volume : vm->volumes())
        if (&volume->pool() == &pool && volume->properties().vid.str() == named.event.vid) {
          named.vm = name;
          named.volume = volume->properties().name;
        }
    report.events.push_back(std::move(named));
  }
}

}  // namespace cowshed::app
