// SPDX-License-Identifier: Apache-2.0
// The program is killed at every call of a start and of a stop: a volume is committed, or uncommitted but
// whole, and nothing is left suspended or half-built.
#include <fcntl.h>

#include "support/kill_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
constexpr Bytes far_block = kibibytes(512);

class KillStartStopTest : public KillTest {
 protected:
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    must({"vm", "start", "work"});
    put("work", "private", first_block, value());
    must({"vm", "stop", "work"});
  }

  void kill_starts_of_a_template_under_a_running_app(const std::string& only = {}) {
    create_vms();
    must({"vm", "start", "work"});
    put("work", "root", far_block, 'r');
    char committed = 0;
    const auto write_and_commit = [&](const std::string& what) {
      EXPECT_EQ(get("work", "root", first_block), committed) << what;
      EXPECT_EQ(get("debian", "root", first_block), committed) << what;
      put("debian", "root", first_block, next_value());
      EXPECT_EQ(get("work", "root", first_block), committed) << what;
      must({"vm", "stop", "debian"});
      EXPECT_EQ(get("work", "root", first_block), committed) << what;
      committed = value();
      EXPECT_EQ(get("work", "root", far_block), 'r') << what;
      must({"vm", "stop", "work"});
      must({"vm", "start", "work"});
      put("work", "root", far_block, 'r');
    };
    kill_at_each_call({.command = {"vm", "start", "debian"},
                       .prepare = [] {},
                       .killed =
                           [&](const std::string& what) {
                             recover_every_other_time(what);
                             EXPECT_EQ(get("work", "root", far_block), 'r') << what;
                             retry({"vm", "start", "debian"}, "is already running", what);
                             write_and_commit(what);
                           },
                       .done = write_and_commit,
                       .only = only});
  }
};

TEST_F(KillStartStopTest, AtEveryCallOfAStart) {
  create_vms();
  const Everything stopped = everything();
  const auto check_and_stop = [&](const std::string& what) {
    EXPECT_EQ(get("work", "private", first_block), value()) << what;
    EXPECT_EQ(get("work", "volatile", first_block), 0) << what;
    EXPECT_EQ(get("work", "root", first_block), 0) << what;
    must({"vm", "stop", "work"});
    expect_as(stopped, what);
  };
  kill_at_each_call({.command = {"vm", "start", "work"},
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "stopped")
                             expect_as(stopped, what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           check_and_stop(what);
                         },
                     .done = check_and_stop});
}

TEST_F(KillStartStopTest, AtEveryCallOfAStop) {
  create_vms();
  const Everything stopped = everything();
  const auto expect_stopped = [&](const std::string& what) {
    expect_as(stopped, what);
    must({"vm", "start", "work"});
    EXPECT_EQ(get("work", "private", first_block), value()) << what;
    EXPECT_EQ(get("work", "root", first_block), 0) << what;
  };
  must({"vm", "start", "work"});
  kill_at_each_call({.command = {"vm", "stop", "work"},
                     .prepare =
                         [&] {
                           put("work", "private", first_block, next_value());
                           put("work", "root", first_block, 'r');
                           put("work", "volatile", first_block, 'v');
                         },
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "stopped") {
                             must({"vm", "start", "work"});
                             EXPECT_EQ(get("work", "private", first_block), value()) << what;
                           }
                           retry({"vm", "stop", "work"}, "never", what);
                           // Where the session was taken down uncommitted, that stop had nothing to commit:
                           // the next has.
                           must({"vm", "start", "work"});
                           EXPECT_EQ(get("work", "private", first_block), value()) << what;
                           must({"vm", "stop", "work"});
                           expect_stopped(what);
                         },
                     .done = expect_stopped});
}

TEST_F(KillStartStopTest, AtEveryCallOfTheStartOfATemplateUnderARunningAppVm) {
  kill_starts_of_a_template_under_a_running_app();
}

TEST_F(KillStartStopTest, AtEveryWriteOfTheStartOfATemplateUnderARunningAppVm) {
  kill_starts_of_a_template_under_a_running_app("change,write,sync");
}

TEST_F(KillStartStopTest, AtEveryCallOfACommitUnderARunningAppVm) {
  create_vms();
  must({"vm", "start", "work"});
  char committed = 0;
  const auto expect_committed = [&](const std::string& what) {
    EXPECT_EQ(get("work", "root", first_block), committed) << what;
    must({"vm", "stop", "work"});
    must({"vm", "start", "work"});
    committed = value();
    EXPECT_EQ(get("work", "root", first_block), committed) << what;
  };
  kill_at_each_call({.command = {"vm", "stop", "debian"},
                     .prepare =
                         [&] {
                           must({"vm", "start", "debian"});
                           put("debian", "root", first_block, next_value());
                         },
                     .killed =
                         [&](const std::string& what) {
                           EXPECT_EQ(get("work", "root", first_block), committed) << what;
                           if (recover_every_other_time(what) && state_of("debian") == "stopped") {
                             must({"vm", "start", "debian"});
                             EXPECT_EQ(get("debian", "root", first_block), value()) << what;
                           }
                           retry({"vm", "stop", "debian"}, "never", what);
                           // Where the session was taken down uncommitted, a stop has nothing to commit: the
                           // next one has.
                           must({"vm", "start", "debian"});
                           must({"vm", "stop", "debian"});
                           expect_committed(what);
                         },
                     .done = expect_committed});
}

}  // namespace
}  // namespace cowshed::test
