// SPDX-License-Identifier: Apache-2.0
// A process that keeps warm layers (tests/programs/warm_service.cc) has each of its calls refused, or is
// killed at it: a right start or a clean error, and nothing is left.
#include "support/kill_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
const Command service{"./warm_service", "work"};

class WarmServiceTest : public KillTest {
 protected:
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    must({"vm", "start", "debian"});
    put("debian", "root", first_block, 't');
    must({"vm", "stop", "debian"});
    must({"volume", "set", "debian:root", "warm", "2"});
  }
  void expect_work_runs(const std::string& what) {
    EXPECT_EQ(get("work", "root", first_block), 't') << what;
    EXPECT_EQ(get("work", "root", kibibytes(256)), 0) << what;
    put("work", "root", first_block, 'w');
    EXPECT_EQ(get("work", "root", first_block), 'w') << what;
  }
  Picture warm_layers() {
    Picture found;
    for (const auto& entry : control().list())
      if (entry.name.starts_with("COWSHED-warm-")) found.push_back(entry.name);
    return found;
  }
};

TEST_F(WarmServiceTest, ServesFromItsStockAndLeavesNothingOfIt) {
  create_vms();
  const Everything stopped = everything();
  const std::string said = must(service);
  EXPECT_EQ(said, "debian:root: 2 of 2 ready, 1 hits, 0 misses\n");
  EXPECT_EQ(warm_layers(), Picture{});
  expect_work_runs("afterwards");
  must({"vm", "stop", "work"});
  expect_as(stopped, "at the end");
}

TEST_F(WarmServiceTest, EachOfItsCallsIsRefused) {
  create_vms();
  const Everything stopped = everything();
  const auto run_and_stop = [&](const std::string& what) {
    EXPECT_EQ(warm_layers(), Picture{}) << what;
    expect_work_runs(what);
    must({"vm", "stop", "work"});
    expect_as(stopped, what);
  };
  fail_each_call({.command = service,
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        // Ended in good order, but for what could not be removed: that is for recovery.
                        must({"recover"});
                        expect_as(before, what);
                        must({"vm", "start", "work"});
                        run_and_stop(what);
                      },
                  .done = run_and_stop,
                  .stride = 2});
}

TEST_F(WarmServiceTest, IsKilledAtEachOfItsCalls) {
  create_vms();
  const Everything stopped = everything();
  const auto run_and_stop = [&](const std::string& what) {
    EXPECT_EQ(warm_layers(), Picture{}) << what;
    expect_work_runs(what);
    must({"vm", "stop", "work"});
    expect_as(stopped, what);
  };
  kill_at_each_call({.command = service,
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "stopped")
                             expect_as(stopped, what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           run_and_stop(what);
                         },
                     .done = run_and_stop});
}

TEST_F(WarmServiceTest, RecoveryTellsWhatAKilledOneLeft) {
  create_vms();
  // The last layer that is made.
  bool is_told = false;
  for (unsigned long at = 1; at < 20 && !is_told; ++at) {
    const auto [outcome, report] = cowshed_with({"DM_DEV_RENAME", at, "kill"}, service);
    if (!report.hit) {
      must({"vm", "stop", "work"});
      break;
    }
    const Picture left = warm_layers();
    ASSERT_FALSE(left.empty());
    const std::string told = must({"recover", "--dry-run"});
    for (const std::string& name : left) EXPECT_NE(told.find(name), std::string::npos) << told;
    is_told = true;
    EXPECT_EQ(warm_layers(), left);
    must({"recover"});
    EXPECT_EQ(warm_layers(), Picture{});
    must({"vm", "stop", "work"});
  }
  EXPECT_TRUE(is_told);
}

}  // namespace
}  // namespace cowshed::test
