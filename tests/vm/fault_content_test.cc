// SPDX-License-Identifier: Apache-2.0
// Revert, promote, import, clone and resize are killed before each of their calls, and each call is made to
// fail: the volume holds exactly the old or exactly the new state, its revision the other, a VM that runs
// sees no change, and nothing is left.
#include <fcntl.h>

#include <set>

#include "support/kill_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
constexpr Bytes far_block = kibibytes(3 << 10);

class FaultContentTest : public KillTest {
 protected:
  struct Scenario {
    Command command;
    std::function<void()> prepare;
    /// What must hold after recovery, or after the work was done.
    std::function<void(const std::string& what)> check;
  };

  /// A template that was committed with 'a' and then with 'b', under an app VM that runs on 'b'.
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    commit('a');
    commit('b');
    must({"vm", "start", "work"});
    files_ = files();
  }

  void commit(char value) {
    must({"vm", "start", "debian"});
    for (const Bytes at : {first_block, far_block}) put("debian", "root", at, value);
    must({"vm", "stop", "debian"});
  }
  /// The next session's; torn where the two blocks differ.
  char committed(const std::string& vm = "debian") {
    must({"vm", "start", vm});
    const char value = get(vm, "root", first_block);
    EXPECT_EQ(get(vm, "root", far_block), value);
    must({"vm", "stop", vm});
    return value;
  }
  Picture files() { return picture_of_files(state(), Detail::names); }

  void expect_work_unchanged(const std::string& what) {
    for (const Bytes at : {first_block, far_block}) EXPECT_EQ(get("work", "root", at), 'b') << what;
  }
  void expect_nothing_left(const std::string& what) {
    expect_order(what);
    EXPECT_EQ(files(), files_) << what;
  }

  void kill_everywhere(const Scenario& scenario) {
    kill_at_each_call({.command = scenario.command,
                       .prepare = scenario.prepare,
                       .killed =
                           [&](const std::string& what) {
                             expect_work_unchanged(what);
                             // Else the next command that has something to change puts it right.
                             recover_every_other_time(what);
                             scenario.check(what);
                           },
                       .done = scenario.check,
                       .stride = 3});
  }
  void fail_everywhere(const Scenario& scenario) {
    fail_each_call({.command = scenario.command,
                    .prepare = scenario.prepare,
                    .failed =
                        [&](const Everything&, const std::string& what) {
                          expect_work_unchanged(what);
                          must({"recover"});
                          scenario.check(what);
                        },
                    .done = scenario.check,
                    .stride = 8});
  }

  Scenario revert() {
    return {.command = {"volume", "revert", "debian:root"},
            .prepare = [] {},
            .check =
                [this](const std::string& what) {
                  const char now = committed();
                  must({"volume", "revert", "debian:root"});
                  const std::set<char> both{now, committed()};
                  EXPECT_EQ(both, (std::set<char>{'a', 'b'})) << what;
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  Scenario import() {
    const Path file = scratch() / "new";
    write_all(open_file(file, O_WRONLY | O_CREAT, 0600), std::string(mebibytes(5).count, 'n'), file);
    return {.command = {"volume", "import", "debian:root", file.native()},
            .prepare = [this] { commit('o'); },
            .check =
                [this, file](const std::string& what) {
                  const char now = committed();
                  EXPECT_TRUE(now == 'o' || now == 'n') << what << ": " << now;
                  if (now == 'o') must({"volume", "import", "debian:root", file.native()});
                  EXPECT_EQ(committed(), 'n') << what;
                  must({"volume", "revert", "debian:root"});
                  EXPECT_EQ(committed(), 'o') << what;
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  Scenario clone() {
    const Command command{"vm", "clone", "debian", "copy"};
    return {.command = command,
            .prepare = [] {},
            .check =
                [this, command](const std::string& what) {
                  retry(command, "exists already", what);
                  EXPECT_EQ(committed("copy"), 'b') << what;
                  must({"vm", "remove", "copy"});
                  expect_nothing_left(what);
                }};
  }

  Scenario grow() {
    const Command command{"volume", "resize", "debian:root", "5M"};
    return {.command = command,
            .prepare =
                [this] {
                  must({"volume", "resize", "debian:root", "4M", "--shrink"});
                  must({"vm", "start", "debian"});
                  for (const Bytes at : {first_block, far_block}) put("debian", "root", at, 'c');
                },
            .check =
                [this, command](const std::string& what) {
                  must(command);
                  put("debian", "root", kibibytes(4608), 'c');
                  must({"vm", "stop", "debian"});
                  EXPECT_EQ(committed(), 'c') << what;
                  EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 5u << 20) << what;
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  Scenario shrink() {
    const Command command{"volume", "resize", "debian:root", "1M", "--shrink"};
    return {.command = command,
            .prepare = [] {},
            .check =
                [this, command](const std::string& what) {
                  must(command);
                  EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 1u << 20) << what;
                  must({"volume", "revert", "debian:root"});
                  EXPECT_EQ(committed(), 'b') << what;
                  EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 4u << 20) << what;
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  /// A second app VM, which keeps its changes.
  void create_draft() {
    create_app("draft", "debian");
    must({"volume", "set", "draft:root", "keep_changes", "true"});
    files_ = files();
  }
  /// It sees 'n' in both blocks and has written the first itself; then its template gets another state.
  void write_in_outdated_draft() {
    commit('n');
    must({"vm", "start", "draft"});
    put("draft", "root", first_block, 'n');
    commit('o');
  }
  void discard_draft() {
    must({"vm", "start", "draft"});
    must({"vm", "stop", "draft", "--discard"});
  }
  void check_promoted(const std::string& what) {
    const char now = committed();
    EXPECT_TRUE(now == 'o' || now == 'n') << what << ": " << now;
    if (now == 'o') must({"volume", "promote", "draft:root"});
    EXPECT_EQ(committed(), 'n') << what;
    must({"volume", "revert", "debian:root"});
    EXPECT_EQ(committed(), 'o') << what;
  }

  Scenario promote_stopped() {
    return {.command = {"volume", "promote", "draft:root"},
            .prepare =
                [this] {
                  commit('o');
                  must({"vm", "start", "draft"});
                  for (const Bytes at : {first_block, far_block}) put("draft", "root", at, 'n');
                  must({"vm", "stop", "draft"});
                },
            .check =
                [this](const std::string& what) {
                  check_promoted(what);
                  discard_draft();
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  Scenario promote_running() {
    return {.command = {"volume", "promote", "draft:root"},
            .prepare = [this] { write_in_outdated_draft(); },
            .check =
                [this](const std::string& what) {
                  check_promoted(what);
                  for (const Bytes at : {first_block, far_block}) EXPECT_EQ(get("draft", "root", at), 'n');
                  must({"vm", "stop", "draft", "--discard"});
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

  Scenario keep() {
    return {.command = {"vm", "stop", "draft"},
            .prepare = [this] { write_in_outdated_draft(); },
            .check =
                [this](const std::string& what) {
                  must({"vm", "stop", "draft"});
                  check_promoted(what);
                  discard_draft();
                  expect_work_unchanged(what);
                  expect_nothing_left(what);
                }};
  }

 private:
  Picture files_;
};

TEST_F(FaultContentTest, ARevertIsKilled) {
  create_vms();
  kill_everywhere(revert());
}
TEST_F(FaultContentTest, ARevertFails) {
  create_vms();
  fail_everywhere(revert());
}
TEST_F(FaultContentTest, APromotionIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(promote_stopped());
}
TEST_F(FaultContentTest, APromotionFails) {
  create_vms();
  create_draft();
  fail_everywhere(promote_stopped());
}
TEST_F(FaultContentTest, APromotionOfARunningVmIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(promote_running());
}
TEST_F(FaultContentTest, APromotionOfARunningVmFails) {
  create_vms();
  create_draft();
  fail_everywhere(promote_running());
}
TEST_F(FaultContentTest, AStopThatKeepsChangesIsKilled) {
  create_vms();
  create_draft();
  kill_everywhere(keep());
}
TEST_F(FaultContentTest, AStopThatKeepsChangesFails) {
  create_vms();
  create_draft();
  fail_everywhere(keep());
}
TEST_F(FaultContentTest, AnImportIsKilled) {
  create_vms();
  kill_everywhere(import());
}
TEST_F(FaultContentTest, AnImportFails) {
  create_vms();
  fail_everywhere(import());
}
TEST_F(FaultContentTest, ACloneIsKilled) {
  create_vms();
  kill_everywhere(clone());
}
TEST_F(FaultContentTest, ACloneFails) {
  create_vms();
  fail_everywhere(clone());
}
TEST_F(FaultContentTest, AGrowOfARunningVolumeIsKilled) {
  create_vms();
  kill_everywhere(grow());
}
TEST_F(FaultContentTest, AGrowOfARunningVolumeFails) {
  create_vms();
  fail_everywhere(grow());
}
TEST_F(FaultContentTest, AShrinkIsKilled) {
  create_vms();
  kill_everywhere(shrink());
}
TEST_F(FaultContentTest, AShrinkFails) {
  create_vms();
  fail_everywhere(shrink());
}

}  // namespace
}  // namespace cowshed::test
