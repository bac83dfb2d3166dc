// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "base/units.h"

namespace cowshed {

/// When something will be full, from how it filled lately. Pure: who uses it says what time it is.
class Forecast {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Older than this is no longer looked at.
  static constexpr std::chrono::seconds window{60};
  /// Less than this tells nothing.
  static constexpr std::chrono::seconds least{5};

  /// Times rise. Of those that come closely together one a second is kept, and the newest.
  void add(Time now, Bytes available);
  /// Nothing while it does not fill, or too little is known.
  [[nodiscard]] std::optional<std::chrono::seconds> full_in() const;

 private:
  struct Sample {
    Time time;
    Bytes available;
  };
  std::deque<Sample> samples_;
};

}  // namespace cowshed
