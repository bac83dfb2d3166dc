// SPDX-License-Identifier: Apache-2.0
#include "io/plan.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::io {
namespace {

CopyOptions options(Bytes memory, unsigned depth = 0) {
  CopyOptions options;
  options.memory = memory;
  options.depth = depth;
  return options;
}

TEST(PlanTest, FitsIntoEveryBudget) {
  for (std::uint64_t memory = 256; memory <= 128 << 10; memory += memory / 3)
    for (const unsigned depth : {0U, 1U, 5U, 4096U})
      for (const auto zeroes : {Zeroes::write, Zeroes::punch}) {
        auto wanted = options(kibibytes(memory), depth);
        wanted.zeroes = zeroes;
        const Plan plan = plan_copy(wanted);
        EXPECT_LE(plan.memory, wanted.memory) << memory << " KiB, depth " << depth;
        EXPECT_GE(plan.batches, 2u) << "reading and writing overlap";
        EXPECT_GE(plan.memory, plan.buffer * plan.batches);
      }
}

TEST(PlanTest, BuffersAreWholePages) {
  for (std::uint64_t memory = 256; memory <= 128 << 10; memory += 100)
    EXPECT_EQ(plan_copy(options(kibibytes(memory))).buffer.count % 4096, 0u);
}

TEST(PlanTest, TheDefaultBudgetIsEnoughForLongRequests) {
  const Plan plan = plan_copy({});
  EXPECT_GE(plan.buffer, kibibytes(256));
  EXPECT_GE(plan.batches, 8u);
  EXPECT_GE(plan.depth, 32u);
}

TEST(PlanTest, ABudgetThatIsLargerThanNeedBeIsNotUsedUp) { EXPECT_LT(plan_copy({}).memory, mebibytes(4)); }

TEST(PlanTest, ADepthThatIsToldIsTaken) { EXPECT_EQ(plan_copy(options(mebibytes(64), 3)).depth, 3u); }

TEST(PlanTest, OptionsThatCannotBeAreRefused) {
  test::expect_error(ErrorKind::invalid_argument, [] { plan_copy(options(kibibytes(255))); });
  test::expect_error(ErrorKind::invalid_argument, [] { plan_copy(options(mebibytes(64), 5000)); });
  auto zeroes = options(mebibytes(1));
  zeroes.zeroes = Zeroes::punch;
  zeroes.zero_block = mebibytes(1);
  test::expect_error(ErrorKind::invalid_argument, [&] { plan_copy(zeroes); });
  zeroes.memory = mebibytes(3);
  EXPECT_EQ(plan_copy(zeroes).buffer, mebibytes(1)) << "a block of zeros is in one buffer";
  zeroes.zero_block = mebibytes(2);
  test::expect_error(ErrorKind::invalid_argument, [&] { plan_copy(zeroes); });
}

}  // namespace
}  // namespace cowshed::io
