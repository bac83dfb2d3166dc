// SPDX-License-Identifier: Apache-2.0
#include "service/refusals.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace cowshed::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RefusalsTest : public ::testing::Test {
 protected:
  std::string logged(int times, uid_t uid) {
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < times; ++i) refusals_.add(uid, "line of " + std::to_string(uid));
    return ::testing::internal::GetCapturedStderr();
  }
  static std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  Refusals::Clock::time_point now_ = Refusals::Clock::now();
  Refusals refusals_{[this] { return now_; }};
};

TEST_F(RefusalsTest, WhoeverIsRefusedAllTheTimeDoesNotFillTheLog) {
  const auto text = logged(100'000, 7);
  EXPECT_EQ(lines(text), std::ptrdiff_t{Refusals::lines_a_minute} + 1);
  EXPECT_THAT(text, HasSubstr("uid 7: what else it is refused within this minute is counted only\n"));
}

TEST_F(RefusalsTest, WhatOthersAreRefusedIsToldAllTheSame) {
  logged(1000, 7);
  EXPECT_EQ(logged(1, 8), "cowshed: warning: line of 8\n");
}

TEST_F(RefusalsTest, AfterAMinuteTheNumberIsToldAndLinesAreAgain) {
  logged(1000, 7);
  now_ += std::chrono::minutes(1);
  EXPECT_EQ(logged(1, 7),
            "cowshed: warning: uid 7: 900 more calls were not permitted\ncowshed: warning: line of 7\n");
  now_ += std::chrono::minutes(1);
  EXPECT_THAT(logged(1, 7), Not(HasSubstr("more calls")));
}

}  // namespace
}  // namespace cowshed::service
