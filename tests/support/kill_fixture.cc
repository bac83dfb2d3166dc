// SPDX-License-Identifier: Apache-2.0
#include "support/kill_fixture.h"

namespace cowshed::test {

bool KillTest::recover_every_other_time(const std::string& what) {
  turn_ = !turn_;
  if (!turn_) return false;
  must({"recover"});
  expect_order(what + ", after recover");
  return true;
}

void KillTest::retry(const Command& command, const std::string& refusal, const std::string& what) {
  const Outcome outcome = cowshed(command);
  EXPECT_TRUE(outcome.ok() || outcome.err.find(refusal) != std::string::npos)
      << what << ": " << outcome.text();
  expect_order(what + ", after the next command");
}

void KillTest::expect_order(const std::string& what) {
  Picture disorder;
  eventually([&] { return (disorder = disorder_in_kernel(control())).empty(); });
  EXPECT_EQ(disorder, Picture{}) << what;
}

std::string KillTest::state_of(const std::string& vm) {
  for (const auto& listed : json({"vm", "list"}))
    if (listed.at("name") == vm) return listed.at("state");
  return "none";
}

}  // namespace cowshed::test
