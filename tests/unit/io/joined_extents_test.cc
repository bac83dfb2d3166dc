// SPDX-License-Identifier: Apache-2.0
#include "io/joined_extents.h"

#include <gtest/gtest.h>

namespace cowshed::io {
namespace {

/// Takes everything, whole.
std::vector<Extent> all_of(std::vector<Extent> extents, Bytes limit = mebibytes(1)) {
  const auto stream = stream_of(std::move(extents));
  JoinedExtents joined(stream, limit);
  std::vector<Extent> result;
  while (const Extent* front = joined.front()) {
    result.push_back(*front);
    joined.take(front->length);
  }
  return result;
}

Extent extent(std::uint64_t source, std::uint64_t target, std::uint64_t length) {
  return {{source}, {target}, {length}};
}

TEST(JoinedExtentsTest, NothingIsNothing) { EXPECT_TRUE(all_of({}).empty()); }

TEST(JoinedExtentsTest, NeighboursOnBothSidesBecomeOne) {
  EXPECT_EQ(all_of({extent(0, 100, 10), extent(10, 110, 10), extent(20, 120, 5)}),
            (std::vector{extent(0, 100, 25)}));
}

TEST(JoinedExtentsTest, NeighboursOnOneSideStayTwo) {
  const std::vector apart = {extent(0, 100, 10), extent(10, 111, 10), extent(30, 121, 10)};
  EXPECT_EQ(all_of(apart), apart);
}

TEST(JoinedExtentsTest, EmptyOnesAreLeftOutAndDoNotSeparate) {
  EXPECT_EQ(all_of({extent(9, 9, 0), extent(0, 0, 5), extent(77, 77, 0), extent(5, 5, 5), extent(1, 1, 0)}),
            (std::vector{extent(0, 0, 10)}));
}

TEST(JoinedExtentsTest, JoiningStopsAtTheLimit) {
  EXPECT_EQ(all_of({extent(0, 0, 6), extent(6, 6, 6), extent(12, 12, 6)}, {10}),
            (std::vector{extent(0, 0, 12), extent(12, 12, 6)}));
}

TEST(JoinedExtentsTest, TakingAPartLeavesTheRest) {
  const auto stream = stream_of({extent(0, 100, 10)});
  JoinedExtents joined(stream, mebibytes(1));
  joined.front();
  joined.take({3});
  EXPECT_EQ(*joined.front(), extent(3, 103, 7));
}

TEST(JoinedExtentsTest, WhatIsPutBackComesNextAndIsKnown) {
  const auto stream = stream_of({extent(0, 0, 1), extent(5, 5, 1)});
  JoinedExtents joined(stream, mebibytes(1));
  joined.front();
  joined.take({1});
  joined.put_back(extent(70, 70, 7));
  EXPECT_EQ(*joined.front(), extent(70, 70, 7));
  EXPECT_TRUE(joined.is_returned());
  joined.take({7});
  EXPECT_EQ(*joined.front(), extent(5, 5, 1));
  EXPECT_FALSE(joined.is_returned());
}

TEST(JoinedExtentsTest, AStreamIsNotAskedAgainAfterItsEnd) {
  int asked = 0;
  const ExtentStream stream = [&]() -> std::optional<Extent> {
    ++asked;
    return std::nullopt;
  };
  JoinedExtents joined(stream, mebibytes(1));
  EXPECT_EQ(joined.front(), nullptr);
  EXPECT_EQ(joined.front(), nullptr);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace cowshed::io
