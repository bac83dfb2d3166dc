// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace cowshed {

/// How long something took, counted in buckets of a fixed scale: 1, 2 and 5 of each power of ten from 10 us
/// to 50 s. Not thread-safe; quick enough to be kept under somebody's lock.
class Histogram {
 public:
  static constexpr std::array<double, 21> bounds{1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3,
                                                 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1, 2e-1,
                                                 5e-1, 1.0,  2.0,  5.0,  10.0, 20.0, 50.0};

  void add(std::chrono::nanoseconds took) {
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t bucket = 0;
    while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
    ++counts_[bucket];
    ++count_;
    sum_ += seconds;
  }

  /// Of those up to bounds[i] and above the one before; the last one of all that are longer.
  [[nodiscard]] const std::array<std::uint64_t, bounds.size() + 1>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Seconds.
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::array<std::uint64_t, bounds.size() + 1> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace cowshed
