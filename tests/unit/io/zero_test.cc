// SPDX-License-Identifier: Apache-2.0
#include "io/zero.h"

#include <gtest/gtest.h>

#include <vector>

namespace cowshed::io {
namespace {

TEST(ZeroTest, NothingIsZero) { EXPECT_TRUE(is_zero({})); }

TEST(ZeroTest, OneByteAnywhereIsSeen) {
  for (const std::size_t size : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 100U, 4096U}) {
    std::vector<std::byte> data(size);
    EXPECT_TRUE(is_zero(data)) << size;
    for (std::size_t i = 0; i < size; ++i) {
      data[i] = std::byte{1};
      EXPECT_FALSE(is_zero(data)) << i << " of " << size;
      data[i] = std::byte{0};
    }
  }
}

TEST(ZeroTest, APatternThatRepeatsItselfIsNotZero) {
  EXPECT_FALSE(is_zero(std::vector<std::byte>(4096, std::byte{0xff})));
}

}  // namespace
}  // namespace cowshed::io
