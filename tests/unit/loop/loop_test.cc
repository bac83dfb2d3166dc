// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <gtest/gtest.h>

#include "loop/node.h"
#include "support/errors.h"

namespace cowshed::loop {
namespace {

using test::expect_error;

// Above every number that the kernel can give (MINORBITS is 20), so that it is nowhere attached.
constexpr int impossible = 1 << 20;

TEST(LoopNode, NumberIsReadBackFromItsName) {
  EXPECT_EQ(node_of(7), "/dev/loop7");
  EXPECT_EQ(number_in("loop7"), 7);
  EXPECT_EQ(number_in("loop1048575"), 1048575);
}

TEST(LoopNode, OtherDevicesArePassedOver) {
  for (const char* name :
       {"", "loop", "loop-1", "loop-control", "loop7p1", "loop+7", "loop99999999999", "sda", "dm-7"})
    EXPECT_FALSE(number_in(name).has_value()) << name;
}

TEST(Loop, DeviceThatDoesNotExistIsNothingToAskAndNotFoundToOpen) {
  EXPECT_FALSE(info(impossible).has_value());
  expect_error(ErrorKind::not_found, [] { Loop::open(impossible); });
}

TEST(Loop, DeviceNumberOfWhatIsNoLoopIsNothing) {
  EXPECT_FALSE(info_of_device(0, 0).has_value());
  EXPECT_FALSE(info_of_device(1, 3).has_value());
}

}  // namespace
}  // namespace cowshed::loop
