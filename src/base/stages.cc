// SPDX-License-Identifier: Apache-2.0
#include "base/stages.h"

#include <atomic>
#include <mutex>

namespace cowshed {

namespace {

struct Times {
  std::mutex mutex;
  Histogram histogram;
};

Times& times(Stage stage) {
  static std::array<Times, stages.size()> all;
  return all.at(static_cast<std::size_t>(stage));
}

std::atomic<bool> is_counting = false;

}  // namespace

void count_stages() { is_counting = true; }

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::loop_attach:
      return "loop_attach";
    case Stage::loop_detach:
      return "loop_detach";
    case Stage::device_create:
      return "device_create";
    case Stage::table_load:
      return "table_load";
    case Stage::resume:
      return "resume";
    case Stage::suspend:
      return "suspend";
    case Stage::rename:
      return "rename";
    case Stage::remove:
      return "remove";
    case Stage::copy:
      return "copy";
  }
  return "unknown";
}

StageTimer::StageTimer(std::optional<Stage> stage) {
  if (!stage || !is_counting) return;
  stage_ = stage;
  begun_ = std::chrono::steady_clock::now();
}

StageTimer::~StageTimer() {
  if (!stage_) return;
  const auto took = std::chrono::steady_clock::now() - begun_;
  auto& [mutex, histogram] = times(*stage_);
  const std::lock_guard lock(mutex);
  histogram.add(took);
}

Histogram times_of(Stage stage) {
  auto& [mutex, histogram] = times(stage);
  const std::lock_guard lock(mutex);
  return histogram;
}

}  // namespace cowshed
