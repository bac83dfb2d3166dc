// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/histogram.h"

/// Where the time goes: the kernel calls and copies that starts, stops and commits are made of, counted for
/// the whole process once it has asked for it. Thread-safe.
namespace cowshed {

enum class Stage {
  loop_attach,
  loop_detach,
  device_create,
  table_load,
  resume,
  suspend,
  rename,
  remove,
  copy,
};
inline constexpr std::array stages{Stage::loop_attach, Stage::loop_detach, Stage::device_create,
                                   Stage::table_load,  Stage::resume,      Stage::suspend,
                                   Stage::rename,      Stage::remove,      Stage::copy};
/// "loop_attach"
std::string_view to_string(Stage stage);

/// From here on. A process that tells nobody its times reads no clock for them: where the kernel has no vDSO
/// (user-mode Linux) that is a system call, eight of them in a start.
void count_stages();

/// From construction to the end of the scope.
class StageTimer {
 public:
  /// Nothing: it is not counted.
  explicit StageTimer(std::optional<Stage> stage);
  ~StageTimer();
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  std::optional<Stage> stage_;
  std::chrono::steady_clock::time_point begun_;
};

/// Since `count_stages`.
Histogram times_of(Stage stage);

}  // namespace cowshed
