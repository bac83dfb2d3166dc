// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "base/units.h"

namespace cowshed::cli {

/// One line on stderr with rate and time left, where stderr is a terminal; else nothing at all. Thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what, bool is_wanted);
  /// Clears the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(Bytes done, Bytes total);

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex mutex_;
  std::string what_;
  bool is_shown_;
  bool is_drawn_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
};

/// "copy root image  45%  1.2 GiB of 2.7 GiB  310.0 MiB/s  0:05 left"; where nobody knows how much it will be
/// (0), "import  1.2 GiB  310.0 MiB/s".
std::string progress_line(std::string_view what, Bytes done, Bytes total, std::chrono::milliseconds elapsed);

}  // namespace cowshed::cli
