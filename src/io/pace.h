// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "base/units.h"

namespace cowshed::io {

/// Time as the engine sees it. Tests have one of their own.
class Clock {
 public:
  using Duration = std::chrono::nanoseconds;

  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  /// Never goes back; since when does not matter.
  [[nodiscard]] virtual Duration now() const = 0;
  virtual void sleep(Duration duration) = 0;
};

Clock& steady_clock();

/// Keeps work at a rate: what begins pays for itself before the next may begin. So in any span of time no
/// more begins than the rate allows, and one piece of work more; time in which nothing was asked for is not
/// saved up.
class Pace {
 public:
  /// Without a rate nothing ever waits.
  Pace(std::optional<Bytes> per_second, const Clock& clock);
  /// Until the next may begin; 0: now.
  [[nodiscard]] Clock::Duration delay() const;
  /// `work` begins now.
  void begin(Bytes work);
  /// How much to begin at a time, so that the rate is kept in tenths of a second and not in bursts of
  /// seconds.
  [[nodiscard]] Bytes portion(Bytes at_most) const;

 private:
  const std::optional<Bytes> per_second_;
  const Clock& clock_;
  Clock::Duration next_{0};
};

}  // namespace cowshed::io
