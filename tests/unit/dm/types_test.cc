// SPDX-License-Identifier: Apache-2.0
#include "dm/types.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <random>

#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::dm {
namespace {

using test::between;
using test::expect_error;

TEST(DeviceNumber, PrintsAsEveryTargetTakesIt) { EXPECT_EQ((DeviceNumber{254, 3}.str()), "254:3"); }

TEST(DeviceNumber, ParsesWhatItPrints) {
  EXPECT_EQ(DeviceNumber::parse("7:1048575"), (DeviceNumber{7, 1048575}));
}

TEST(DeviceNumber, RefusesWhatIsNoNumberPair) {
  for (const char* text : {"", ":", "7", "7:", ":7", "7:7:7", " 7:7", "7:7 ", "+7:7", "-1:0", "7:0x1", "a:b",
                           "4096:0", "0:1048576", "99999999999:0", "7:7\n"})
    expect_error(ErrorKind::invalid_argument, [&] { DeviceNumber::parse(text); });
}

TEST(DeviceNumber, WireFormIsThatOfGlibcsDevT) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 1000; ++i) {
    const auto major = static_cast<std::uint32_t>(between(random, 0, 0xfff));
    const auto minor = static_cast<std::uint32_t>(between(random, 0, 0xfffff));
    EXPECT_EQ((DeviceNumber{major, minor}.to_wire()), makedev(major, minor));
    EXPECT_EQ(DeviceNumber::from_wire(makedev(major, minor)), (DeviceNumber{major, minor}));
  }
}

TEST(DeviceNumber, RefusesToAddressAnotherDeviceByCuttingBitsOff) {
  expect_error(ErrorKind::invalid_argument, [] { return DeviceNumber{4096, 0}.to_wire(); });
  expect_error(ErrorKind::invalid_argument, [] { return DeviceNumber{0, 1 << 20}.to_wire(); });
}

TEST(DmName, TakesWhatTheKernelTakes) {
  EXPECT_EQ(DmName("COWSHED-work_1.root+x").str(), "COWSHED-work_1.root+x");
  EXPECT_EQ(DmName(std::string(127, 'x')).str().size(), 127u);
}

TEST(DmName, RefusesWhatTheKernelOrUdevWouldNotTake) {
  for (const std::string& text :
       {std::string(), std::string(128, 'x'), std::string("a/b"), std::string("a b"), std::string("a\tb"),
        std::string("a\n"), std::string("a\0b", 3), std::string("a\x7f"), std::string("."), std::string(".."),
        std::string("control")})
    expect_error(ErrorKind::invalid_argument, [&] { DmName{text}; });
}

TEST(DmUuid, TakesUpTo128BytesOfVisibleAscii) {
  EXPECT_EQ(DmUuid(std::string(128, '~')).str().size(), 128u);
  for (const std::string& text : {std::string(), std::string(129, 'x'), std::string("a b"),
                                  std::string("a\0b", 3), std::string("\xc3\xa4"), std::string("a\x7f")})
    expect_error(ErrorKind::invalid_argument, [&] { DmUuid{text}; });
}

}  // namespace
}  // namespace cowshed::dm
