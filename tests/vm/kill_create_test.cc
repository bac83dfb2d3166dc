// SPDX-License-Identifier: Apache-2.0
// The program is killed at every call of creating and removing a VM, throw-away ones included: it is there
// whole, or not at all and without a trace.
#include <fcntl.h>

#include "support/kill_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
const Command create_work{"vm",     "create",     "work",   "--template", "debian",
                          "--size", "private=2M", "--size", "volatile=2M"};
const Command run_once{"--quiet", "vm", "run-throwaway", "work", "once"};

class KillCreateTest : public KillTest {
 protected:
  /// It starts, works and stops.
  void use(const std::string& vm, const std::string& what) {
    must({"vm", "start", vm});
    put(vm, "private", first_block, next_value());
    must({"vm", "stop", vm});
    must({"vm", "start", vm});
    EXPECT_EQ(get(vm, "private", first_block), value()) << what;
    must({"vm", "stop", vm});
  }
};

TEST_F(KillCreateTest, AtEveryCallOfCreate) {
  create_template("debian");
  const Everything without = everything();
  const auto use_and_remove = [&](const std::string& what) {
    use("work", what);
    must({"vm", "remove", "work"});
    expect_as(without, what);
  };
  kill_at_each_call({.command = create_work,
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "none")
                             expect_as(without, what);
                           retry(create_work, "exists already", what);
                           use_and_remove(what);
                         },
                     .done = use_and_remove});
}

TEST_F(KillCreateTest, AtEveryCallOfRemove) {
  create_template("debian");
  const Everything without = everything();
  kill_at_each_call({.command = {"vm", "remove", "work"},
                     .prepare = [&] { must(create_work); },
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what)) {
                             if (state_of("work") == "none")
                               expect_as(without, what);
                             else
                               use("work", what);
                           }
                           retry({"vm", "remove", "work"}, "there is no vm", what);
                           expect_as(without, what);
                         },
                     .done = [&](const std::string& what) { expect_as(without, what); }});
}

TEST_F(KillCreateTest, AtEveryCallOfRunThrowaway) {
  create_template("debian");
  must(create_work);
  use("work", "first");
  const Everything without = everything();
  const auto check_and_stop = [&](const std::string& what) {
    EXPECT_EQ(get("once", "private", first_block), value()) << what;
    must({"vm", "stop", "once"});
    expect_as(without, what);
  };
  kill_at_each_call({.command = run_once,
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("once") == "none")
                             expect_as(without, what);
                           retry(run_once, "exists already", what);
                           check_and_stop(what);
                         },
                     .done = check_and_stop});
}

TEST_F(KillCreateTest, AtEveryCallOfStoppingAThrowaway) {
  create_template("debian");
  must(create_work);
  const Everything without = everything();
  kill_at_each_call({.command = {"vm", "stop", "once"},
                     .prepare = [&] { must(run_once); },
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("once") == "none")
                             expect_as(without, what);
                           retry({"vm", "stop", "once"}, "there is no vm", what);
                           expect_as(without, what);
                         },
                     .done = [&](const std::string& what) { expect_as(without, what); }});
}

}  // namespace
}  // namespace cowshed::test
