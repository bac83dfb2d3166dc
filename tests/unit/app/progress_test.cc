// SPDX-License-Identifier: Apache-2.0
#include "app/progress.h"

#include <gtest/gtest.h>

#include "app/interruption.h"
#include "support/errors.h"

namespace cowshed::app {
namespace {

struct Clear {
  ~Clear() { clear_interruption(); }
};

TEST(JointProgress, parts_are_told_as_their_sum) {
  pools::Progress told;
  JointProgress joint([&](const pools::Progress& progress) { told = progress; });
  const auto one = joint.part(), two = joint.part();
  one({Bytes{10}, Bytes{100}, true});
  two({Bytes{5}, Bytes{50}, true});
  one({Bytes{20}, Bytes{100}, true});
  EXPECT_EQ(told.done, Bytes{25});
  EXPECT_EQ(told.total, Bytes{150});
}

TEST(JointProgress, without_anybody_to_tell_nothing_happens) {
  JointProgress joint(nullptr);
  EXPECT_NO_THROW(joint.part()({Bytes{1}, Bytes{2}, true}));
}

TEST(InterruptibleProgress, a_request_ends_what_can_be_undone_and_nothing_else) {
  const Clear at_the_end;
  int told = 0;
  const auto watch = interruptible([&](const pools::Progress&) { ++told; });
  watch({Bytes{1}, Bytes{2}, true});
  request_interruption();
  test::expect_error(ErrorKind::interrupted, [&] { watch({Bytes{1}, Bytes{2}, true}); });
  EXPECT_NO_THROW(watch({Bytes{1}, Bytes{2}, false}));
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace cowshed::app
