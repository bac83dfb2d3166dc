// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace cowshed::service {

/// Logs what users were refused. Of one user so many lines a minute, then one that says so: nobody fills the
/// log, or has the journal drop what others said. Thread-safe.
class Refusals {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t lines_a_minute = 100;

  explicit Refusals(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}
  void add(uid_t uid, const std::string& line);

 private:
  struct Minute {
    Clock::time_point begun;
    std::size_t count = 0;
  };

  std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::map<uid_t, Minute> minutes_;
};

}  // namespace cowshed::service
