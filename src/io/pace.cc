// SPDX-License-Identifier: Apache-2.0
#include "io/pace.h"

#include <algorithm>
#include <thread>

#include "base/error.h"

namespace cowshed::io {

namespace {

class SteadyClock : public Clock {
 public:
  [[nodiscard]] Duration now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  void sleep(Duration duration) override { std::this_thread::sleep_for(duration); }
};

/// Smaller requests cost more than a smoother rate is worth.
constexpr Bytes smallest_portion = kibibytes(64);

}  // namespace

Clock& steady_clock() {
  static SteadyClock clock;
  return clock;
}

Pace::Pace(std::optional<Bytes> per_second, const Clock& clock) : per_second_(per_second), clock_(clock) {
  if (per_second_ && per_second_->count == 0)
    throw Error(ErrorKind::invalid_argument, "a limit of 0 bytes per second would never end");
}

Clock::Duration Pace::delay() const {
  if (!per_second_) return Clock::Duration{0};
  return std::max(next_ - clock_.now(), Clock::Duration{0});
}

void Pace::begin(Bytes work) {
  if (!per_second_) return;
  const std::chrono::duration<double> cost(static_cast<double>(work.count) /
                                           static_cast<double>(per_second_->count));
  next_ = std::max(next_, clock_.now()) + std::chrono::ceil<Clock::Duration>(cost);
}

Bytes Pace::portion(Bytes at_most) const {
  if (!per_second_) return at_most;
  return std::min(at_most, std::max(Bytes{per_second_->count / 10}, smallest_portion));
}

}  // namespace cowshed::io
