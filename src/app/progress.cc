// SPDX-License-Identifier: Apache-2.0
#include "app/progress.h"

#include <utility>

#include "app/interruption.h"

namespace cowshed::app {

pools::ProgressWatch interruptible(pools::ProgressWatch tell) {
  return [tell = std::move(tell), asked = interruption_of_this_thread()](const pools::Progress& progress) {
    if (progress.can_stop && asked()) throw_interrupted();
    if (tell) tell(progress);
  };
}

pools::ProgressWatch JointProgress::part() {
  const std::lock_guard guard(mutex_);
  const std::size_t index = parts_.size();
  parts_.emplace_back();
  return [this, index](const pools::Progress& progress) { update(index, progress); };
}

void JointProgress::update(std::size_t index, const pools::Progress& progress) {
  if (!tell_) return;
  const std::lock_guard guard(mutex_);
  parts_[index] = progress;
  pools::Progress sum{.done = {}, .total = {}, .can_stop = progress.can_stop};
  for (const auto& part : parts_) {
    sum.done = sum.done + part.done;
    sum.total = sum.total + part.total;
  }
  tell_(sum);
}

}  // namespace cowshed::app
