// SPDX-License-Identifier: Apache-2.0
// Each call of the start and the stop of an ephemeral volume fails in turn, and the program is killed at
// each: nothing is left, or recovery takes it, and the next start works.
#include "support/kill_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class FaultEphemeralTest : public KillTest {
 protected:
  /// A VM with nothing but an ephemeral volume.
  void create_vm() {
    create_standalone("work");
    for (const char* volume : {"work:root", "work:private"}) must({"volume", "remove", volume});
    must({"volume", "set", "work:volatile", "ephemeral", "true"});
  }
  void use_and_stop(const std::string& what) {
    EXPECT_EQ(get("work", "volatile", first_block), 0) << what;
    put("work", "volatile", first_block, 'x');
    EXPECT_EQ(get("work", "volatile", first_block), 'x') << what;
    must({"vm", "stop", "work"});
  }
};

TEST_F(FaultEphemeralTest, AFailingCallOfAStartLeavesNothing) {
  create_vm();
  fail_each_call({.command = {"vm", "start", "work"},
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        must({"vm", "start", "work"});
                        use_and_stop(what);
                      },
                  .done = [&](const std::string& what) { use_and_stop(what); }});
}

TEST_F(FaultEphemeralTest, AFailingCallOfAStopIsMadeGoodByTheNext) {
  create_vm();
  const Everything stopped = everything();
  must({"vm", "start", "work"});
  fail_each_call({.command = {"vm", "stop", "work"},
                  .prepare =
                      [&] {
                        cowshed({"vm", "start", "work"});
                      },
                  .failed =
                      [&](const Everything&, const std::string& what) {
                        must({"vm", "stop", "work"});
                        must({"recover"});
                        expect_as(stopped, what);
                      },
                  .done = [&](const std::string& what) { expect_as(stopped, what); }});
}

TEST_F(FaultEphemeralTest, WhereTheKeyringRefusesTheVolumeStartsAllTheSame) {
  create_vm();
  const auto [outcome, report] = cowshed_with({"add_key", 1, "ENOSYS"}, {"vm", "start", "work"});
  EXPECT_EQ(report.hit, "add_key");
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_NE(outcome.err.find("keyring cannot be used (Function not implemented)"), std::string::npos)
      << outcome.text();
  EXPECT_TRUE(shell("dmsetup table --showkeys | grep -Eq ' crypt aes-xts-plain64 [0-9a-f]{128} '").ok());
  use_and_stop("without a keyring");
}

TEST_F(FaultEphemeralTest, AKeyThatTheKeyringDoesNotGiveUpIsNotUsed) {
  create_vm();
  const Everything before = everything();
  const auto [outcome, report] = cowshed_with({"keyctl", 1, "EPERM"}, {"vm", "start", "work"});
  EXPECT_EQ(report.hit, "keyctl");
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  expect_as(before, "after the refusal");
}

TEST_F(FaultEphemeralTest, AKernelWithoutTheCipherIsToldWhichModulesAreMissing) {
  create_vm();
  const Everything before = everything();
  const auto [outcome, report] =
      cowshed_with({"DM_TABLE_LOAD", 1, "ENOENT"}, {"--json", "vm", "start", "work"});
  EXPECT_EQ(report.hit, "DM_TABLE_LOAD");
  EXPECT_NE(outcome.err.find("\"not_supported\""), std::string::npos) << outcome.text();
  EXPECT_NE(outcome.err.find("aes-xts-plain64"), std::string::npos) << outcome.text();
  expect_as(before, "after the refusal");
}

TEST_F(FaultEphemeralTest, AStartKilledAtAnyCallIsMadeGood) {
  create_vm();
  const Everything stopped = everything();
  const auto use = [&](const std::string& what) {
    use_and_stop(what);
    expect_as(stopped, what);
  };
  kill_at_each_call({.command = {"vm", "start", "work"},
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "stopped")
                             expect_as(stopped, what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           use(what);
                         },
                     .done = use,
                     .only = "ioctl,open,change,write,sync,thread,key"});
}

TEST_F(FaultEphemeralTest, AStopKilledAtAnyCallIsMadeGood) {
  create_vm();
  const Everything stopped = everything();
  kill_at_each_call({.command = {"vm", "stop", "work"},
                     .prepare =
                         [&] {
                           cowshed({"vm", "start", "work"});
                         },
                     .killed =
                         [&](const std::string& what) {
                           recover_every_other_time(what);
                           retry({"vm", "stop", "work"}, "never", what);
                           expect_as(stopped, what);
                         },
                     .done = [&](const std::string& what) { expect_as(stopped, what); },
                     .only = "ioctl,open,change,write,sync,thread"});
}

}  // namespace
}  // namespace cowshed::test
