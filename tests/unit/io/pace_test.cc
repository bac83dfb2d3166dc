// SPDX-License-Identifier: Apache-2.0
#include "io/pace.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::io {
namespace {

using std::chrono::milliseconds;

class FixedClock : public Clock {
 public:
  [[nodiscard]] Duration now() const override { return time; }
  void sleep(Duration duration) override { time += duration; }
  Duration time{std::chrono::hours(5)};
};

class PaceTest : public ::testing::Test {
 protected:
  FixedClock clock_;
  Pace pace_{Bytes{1000}, clock_};
};

TEST_F(PaceTest, TheFirstMayBeginAtOnce) { EXPECT_EQ(pace_.delay(), milliseconds(0)); }

TEST_F(PaceTest, TheNextWaitsUntilTheFirstIsPaidFor) {
  pace_.begin({250});
  EXPECT_EQ(pace_.delay(), milliseconds(250));
  clock_.sleep(milliseconds(200));
  EXPECT_EQ(pace_.delay(), milliseconds(50));
  clock_.sleep(milliseconds(60));
  EXPECT_EQ(pace_.delay(), milliseconds(0));
}

TEST_F(PaceTest, WhatBeganTogetherIsPaidForTogether) {
  pace_.begin({100});
  pace_.begin({200});
  EXPECT_EQ(pace_.delay(), milliseconds(300));
}

TEST_F(PaceTest, TimeThatWasNotUsedIsNotSavedUp) {
  clock_.sleep(std::chrono::hours(1));
  pace_.begin({100});
  EXPECT_EQ(pace_.delay(), milliseconds(100));
}

TEST_F(PaceTest, AVeryLowRateDoesNotOverflow) {
  Pace slow(Bytes{1}, clock_);
  slow.begin(mebibytes(1));
  EXPECT_EQ(slow.delay(), std::chrono::seconds(1 << 20));
}

TEST_F(PaceTest, WithoutARateNothingWaits) {
  Pace free(std::nullopt, clock_);
  free.begin(gibibytes(100));
  EXPECT_EQ(free.delay(), milliseconds(0));
  EXPECT_EQ(free.portion(mebibytes(1)), mebibytes(1));
}

TEST_F(PaceTest, PortionsLastATenthOfASecondButAreNotTiny) {
  EXPECT_EQ(Pace(mebibytes(5), clock_).portion(mebibytes(1)), kibibytes(512));
  EXPECT_EQ(Pace(mebibytes(500), clock_).portion(mebibytes(1)), mebibytes(1));
  EXPECT_EQ(Pace(kibibytes(1), clock_).portion(mebibytes(1)), kibibytes(64));
}

TEST_F(PaceTest, ARateOfNothingIsRefused) {
  test::expect_error(ErrorKind::invalid_argument, [&] { Pace(Bytes{0}, clock_); });
}

}  // namespace
}  // namespace cowshed::io
