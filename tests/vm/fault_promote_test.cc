// SPDX-License-Identifier: Apache-2.0
// Promotion, and the stop that keeps changes for it, are killed before each of their calls, and each call is
// made to fail.
#include <fmt/core.h>

#include "support/content_faults.h"

namespace cowshed::test {
namespace {

class FaultPromoteTest : public ContentFaultTest {};

TEST_F(FaultPromoteTest, APromotionIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(promote_stopped());
}
TEST_F(FaultPromoteTest, APromotionFails) {
  create_vms();
  create_draft();
  fail_everywhere(promote_stopped());
}
TEST_F(FaultPromoteTest, APromotionOfARunningVmIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(promote_running());
}
TEST_F(FaultPromoteTest, APromotionOfARunningVmFails) {
  create_vms();
  create_draft();
  fail_everywhere(promote_running());
}
TEST_F(FaultPromoteTest, AStopThatKeepsChangesIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(keep());
}
TEST_F(FaultPromoteTest, AStopThatKeepsChangesFails) {
  create_vms();
  create_draft();
  fail_everywhere(keep());
}
/// The device is gone by then, and with it what the changes could be told from once more.
TEST_F(FaultPromoteTest, AStopThatCannotRenameWhatItKeepsHasKeptIt) {
  create_vms();
  create_draft();
  const Scenario scenario = keep();
  unsigned long at = 1;
  for (;; ++at) {
    scenario.prepare();
    const auto [outcome, report] = cowshed_with({"rename", at, "EIO"}, scenario.command);
    if (!report.hit) break;
    must(scenario.command);
    scenario.check(fmt::format("EIO at rename {}: {}", at, outcome.text()));
  }
  EXPECT_GT(at, 1U) << "nothing was renamed";
}

}  // namespace
}  // namespace cowshed::test
