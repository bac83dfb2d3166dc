// SPDX-License-Identifier: Apache-2.0
// Each call of a start is made to fail in turn: a clear error, nothing left behind, and the next start works.
#include "support/fault_sweep.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class FaultStartTest : public FaultTest {
 protected:
  /// A template whose root was committed with 't', with an app VM whose private volume was committed with
  /// 'p'.
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    must({"vm", "start", "debian"});
    put("debian", "root", first_block, 't');
    must({"vm", "stop", "debian"});
    must({"vm", "start", "work"});
    put("work", "private", first_block, 'p');
    must({"vm", "stop", "work"});
  }

  std::vector<Path> half_made_files() const {
    std::vector<Path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch()))
      if (entry.path().native().ends_with(half_made({}).native())) found.push_back(entry.path());
    return found;
  }

  void expect_work_runs(const std::string& what) {
    EXPECT_EQ(get("work", "root", first_block), 't') << what;
    EXPECT_EQ(get("work", "private", first_block), 'p') << what;
    EXPECT_EQ(get("work", "volatile", first_block), 0) << what;
  }
};

TEST_F(FaultStartTest, OfAnAppVmWithSnapshotOriginAndVolatileVolume) {
  create_vms();
  const auto run_once_and_stop = [&](const std::string& what) {
    expect_work_runs(what);
    put("work", "volatile", first_block, 'v');
    must({"vm", "stop", "work"});
  };
  fail_each_call({.command = {"vm", "start", "work"},
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        must({"vm", "start", "work"});
                        run_once_and_stop(what);
                      },
                  .done = run_once_and_stop});
}

TEST_F(FaultStartTest, OfATemplateUnderARunningAppVm) {
  create_vms();
  must({"vm", "start", "work"});
  const auto write_and_stop = [&](const std::string& what) {
    EXPECT_EQ(get("debian", "root", first_block), 't') << what;
    put("debian", "root", kibibytes(128), 'x');
    expect_work_runs(what);
    EXPECT_EQ(get("work", "root", kibibytes(128)), 0) << what;
    must({"vm", "stop", "debian"});
    EXPECT_EQ(get("work", "root", kibibytes(128)), 0) << what;
  };
  fail_each_call({.command = {"vm", "start", "debian"},
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        expect_work_runs(what);
                        must({"vm", "start", "debian"});
                        write_and_stop(what);
                      },
                  .done = write_and_stop});
}

TEST_F(FaultStartTest, FilesAreMadeUnderAnotherNameWhereTheFileSystemKnowsNoneWithoutAName) {
  create_vms();
  must({"vm", "start", "work"});
  unsigned long without_name = 0;
  for (const Command& command : {Command{"vm", "start", "debian"}, Command{"vm", "stop", "debian"}}) {
    for (unsigned long at = 1;; ++at) {
      const auto [outcome, report] = cowshed_with({"O_TMPFILE", at, "EOPNOTSUPP"}, command);
      EXPECT_TRUE(outcome.ok()) << outcome.text();
      EXPECT_TRUE(half_made_files().empty()) << half_made_files().front();
      if (!report.hit) break;
      ++without_name;
      must({"vm", command[1] == "start" ? "stop" : "start", "debian"});
    }
  }
  EXPECT_GE(without_name, 2u);
  expect_work_runs("at the end");
}

}  // namespace
}  // namespace cowshed::test
