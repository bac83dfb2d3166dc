// SPDX-License-Identifier: Apache-2.0
// App: layers that stand ready for starts.
#include <fmt/core.h>

#include "app/app.h"
#include "base/log.h"

namespace cowshed::app {

std::vector<App::KeptWarm> App::kept_warm() {
  const std::lock_guard guard(registry_mutex_);
  std::vector<KeptWarm> result;
  for (const auto& [name, vm] : vms_)
    for (pools::Volume* volume : vm->volumes()) {
      try {
        if (auto layers = volume->warm_layers())
          result.push_back(
              {fmt::format("{}:{}", name.str(), volume->properties().name.str()), std::move(layers)});
      } catch (const Error&) {
        // Its pool is missing: nothing of it can run.
      }
    }
  return result;
}

std::size_t App::add_warm(const KeptWarm& kept) {
  const std::lock_guard guard(warm_mutex_);
  if (!may_keep_warm_) return 0;
  try {
    const std::size_t made = kept.layers->refill(1);
    warm_troubles_.erase(kept.volume);
    return made;
  } catch (const Error& error) {
    // It is tried again at the next pass, and said once.
    std::string& told = warm_troubles_[kept.volume];
    if (told != error.message())
      log_warning(fmt::format("no layer stands ready for volume '{}': {}", kept.volume, error.message()));
    told = error.message();
    return 0;
  }
}

std::size_t App::keep_warm() {
  const auto all = kept_warm();
  std::size_t made = 0;
  // In turns, so that nobody waits for a neighbour's hundred.
  for (std::size_t round = 1; round > 0; made += round) {
    round = 0;
    for (const KeptWarm& kept : all) round += add_warm(kept);
  }
  return made;
}

void App::drop_warm() {
  const std::lock_guard guard(warm_mutex_);
  for (const KeptWarm& kept : kept_warm()) {
    try {
      kept.layers->drop();
    } catch (const std::exception& failure) {
      log_warning(fmt::format("volume '{}': {}", kept.volume, failure.what()));
      leave_unclean();
    }
  }
}

void App::allow_warm(bool is_allowed) {
  const std::lock_guard guard(warm_mutex_);
  may_keep_warm_ = is_allowed;
}

std::vector<WarmVolume> App::warm_volumes() {
  std::vector<WarmVolume> result;
  for (const KeptWarm& kept : kept_warm()) result.push_back({kept.volume, kept.layers->counts()});
  return result;
}

}  // namespace cowshed::app
