// SPDX-License-Identifier: Apache-2.0
#include "base/forecast.h"

#include <gtest/gtest.h>

namespace cowshed {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Forecast::Time start{};

TEST(Forecast, tells_nothing_of_one_look) {
  Forecast forecast;
  forecast.add(start, gibibytes(1));
  EXPECT_FALSE(forecast.full_in());
}

TEST(Forecast, tells_nothing_before_it_has_looked_for_a_while) {
  Forecast forecast;
  forecast.add(start, mebibytes(100));
  forecast.add(start + Forecast::least - milliseconds(1), mebibytes(50));
  EXPECT_FALSE(forecast.full_in());
  forecast.add(start + Forecast::least, mebibytes(50));
  EXPECT_TRUE(forecast.full_in());
}

TEST(Forecast, what_fills_at_a_steady_rate_is_full_when_the_rest_is_used_up) {
  Forecast forecast;
  for (unsigned i = 0; i <= 20; ++i) forecast.add(start + seconds(i), mebibytes(1000 - 10 * i));
  EXPECT_EQ(forecast.full_in(), seconds(80));
}

TEST(Forecast, what_gets_emptier_or_stays_is_never_full) {
  Forecast emptier, same;
  for (unsigned i = 0; i <= 20; ++i) {
    emptier.add(start + seconds(i), mebibytes(100 + i));
    same.add(start + seconds(i), mebibytes(100));
  }
  EXPECT_FALSE(emptier.full_in());
  EXPECT_FALSE(same.full_in());
}

TEST(Forecast, only_the_last_minute_counts) {
  Forecast forecast;
  Bytes left = gibibytes(10);
  unsigned at = 0;
  for (; at < 100; ++at) forecast.add(start + seconds(at), left = left - mebibytes(50));
  for (unsigned i = 0; i <= 61; ++i, ++at) forecast.add(start + seconds(at), left = left - mebibytes(1));
  ASSERT_TRUE(forecast.full_in());
  EXPECT_EQ(*forecast.full_in(), seconds(left.count / mebibytes(1).count));
}

TEST(Forecast, a_hundred_looks_a_second_change_nothing) {
  Forecast forecast;
  for (unsigned i = 0; i <= 1000; ++i)
    forecast.add(start + milliseconds(10 * i), Bytes{1'000'000 - 100 * std::uint64_t{i}});
  EXPECT_EQ(forecast.full_in(), seconds(90));
}

TEST(Forecast, looks_from_before_a_long_pause_are_forgotten) {
  Forecast forecast;
  for (unsigned i = 0; i <= 10; ++i) forecast.add(start + seconds(i), mebibytes(1000 - 10 * i));
  forecast.add(start + std::chrono::hours(1), mebibytes(10));
  forecast.add(start + std::chrono::hours(1) + seconds(10), mebibytes(10));
  EXPECT_FALSE(forecast.full_in());
}

}  // namespace
}  // namespace cowshed
