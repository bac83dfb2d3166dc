// SPDX-License-Identifier: Apache-2.0
#include "base/stages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace cowshed {
namespace {

std::uint64_t counted(Stage stage) { return times_of(stage).count(); }

TEST(StageTimerTest, CountsFromWhenItIsAskedForAndWhatHasAStageOnly) {
  { const StageTimer before(Stage::copy); }
  EXPECT_EQ(counted(Stage::copy), 0U);

  count_stages();
  { const StageTimer after(Stage::copy); }
  { const StageTimer none(std::nullopt); }
  EXPECT_EQ(counted(Stage::copy), 1U);
  EXPECT_EQ(counted(Stage::resume), 0U);
}

}  // namespace
}  // namespace cowshed
