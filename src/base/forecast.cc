// SPDX-License-Identifier: Apache-2.0
#include "base/forecast.h"

#include <algorithm>

namespace cowshed {

namespace {

/// What takes longer is no forecast.
constexpr std::chrono::seconds longest{std::chrono::hours(24 * 365)};

}  // namespace

void Forecast::add(Time now, Bytes available) {
  constexpr std::chrono::seconds apart{1};
  const bool is_close = samples_.size() > 1 && now - samples_[samples_.size() - 2].time < apart;
  if (is_close) samples_.pop_back();
  samples_.push_back({now, available});
  while (samples_.size() > 2 && now - samples_[1].time >= window) samples_.pop_front();
  if (samples_.size() > 1 && now - samples_.front().time > window * 2) samples_.pop_front();
}

std::optional<std::chrono::seconds> Forecast::full_in() const {
  if (samples_.size() < 2) return std::nullopt;
  const Sample &first = samples_.front(), &last = samples_.back();
  const std::chrono::duration<double> over = last.time - first.time;
  if (over < least || last.available >= first.available) return std::nullopt;
  const double lost = static_cast<double>((first.available - last.available).count);
  const double left = static_cast<double>(last.available.count) / (lost / over.count());
  return std::chrono::seconds(
      static_cast<std::chrono::seconds::rep>(std::min(left, static_cast<double>(longest.count()))));
}

}  // namespace cowshed
