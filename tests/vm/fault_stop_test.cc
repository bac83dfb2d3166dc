// SPDX-License-Identifier: Apache-2.0
// Each call of a stop is made to fail in turn: a clear error; no volume has lost anything, and a later stop
// completes.
#include <fmt/core.h>

#include "support/fault_sweep.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class FaultStopTest : public FaultTest {
 protected:
  /// A new value in each round, so that what was lost is noticed.
  char next_value() { return value_ = static_cast<char>(value_ == 'z' ? 'a' : value_ + 1); }
  [[nodiscard]] char value() const { return value_; }

 private:
  char value_ = 'a';
};

TEST_F(FaultStopTest, OfAnAppVmWithSnapshotOriginAndVolatileVolume) {
  create_template("debian");
  create_app("work", "debian");
  must({"vm", "start", "work"});
  put("work", "private", first_block, value());
  must({"vm", "stop", "work"});
  const Everything stopped = everything();
  const auto expect_stopped_and_start = [&](const std::string& what) {
    expect_as(stopped, what);
    must({"vm", "start", "work"});
    EXPECT_EQ(get("work", "private", first_block), value()) << what;
    EXPECT_EQ(get("work", "root", first_block), 0) << what;
    EXPECT_EQ(get("work", "volatile", first_block), 0) << what;
  };
  must({"vm", "start", "work"});
  fail_each_call({.command = {"vm", "stop", "work"},
                  .prepare =
                      [&] {
                        put("work", "private", first_block, next_value());
                        put("work", "root", first_block, 'r');
                        put("work", "volatile", first_block, 'v');
                      },
                  .failed =
                      [&](const Everything&, const std::string& what) {
                        must({"vm", "stop", "work"});
                        expect_stopped_and_start(what);
                      },
                  .done = expect_stopped_and_start,
                  .next = {"vm", "stop", "work"}});
}

/// The session has ended by then, and stopping once more comes to nothing: the first stop is to have cleared
/// up.
TEST_F(FaultStopTest, WhereNoFileCanBeLookedAtLeavesNoViewsBehind) {
  create_standalone("work");
  const Picture stopped = picture_of_kernel(control());
  for (unsigned long at = 1;; ++at) {
    must({"vm", "start", "work"});
    put("work", "private", first_block, next_value());
    const auto [outcome, report] = cowshed_with({"lstat", at, "EIO"}, {"vm", "stop", "work"});
    if (!report.hit) break;
    const std::string what = fmt::format("EIO at lstat {}: {}", at, outcome.text());
    must({"vm", "stop", "work"});
    EXPECT_TRUE(eventually([&] { return picture_of_kernel(control()) == stopped; })) << what;
  }
}

TEST_F(FaultStopTest, OfATemplateWhoseCommitARunningAppVmMustNotSee) {
  create_template("debian");
  create_app("work", "debian");
  must({"vm", "start", "debian"});
  put("debian", "root", first_block, value());
  must({"vm", "stop", "debian"});
  char committed = value();
  const auto expect_committed = [&](const std::string& what) {
    EXPECT_EQ(get("work", "root", first_block), committed) << what;
    must({"vm", "stop", "work"});
    EXPECT_TRUE(eventually([&] { return picture_of_kernel(control()).empty(); })) << what;
    must({"vm", "start", "work"});
    committed = value();
    EXPECT_EQ(get("work", "root", first_block), committed) << what;
  };
  must({"vm", "start", "work"});
  fail_each_call({.command = {"vm", "stop", "debian"},
                  .prepare =
                      [&] {
                        must({"vm", "start", "debian"});
                        put("debian", "root", first_block, next_value());
                      },
                  .failed =
                      [&](const Everything&, const std::string& what) {
                        EXPECT_EQ(get("work", "root", first_block), committed) << what;
                        must({"vm", "stop", "debian"});
                        expect_committed(what);
                      },
                  .done = expect_committed,
                  .next = {"vm", "stop", "debian"}});
}

}  // namespace
}  // namespace cowshed::test
