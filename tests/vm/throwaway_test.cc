// SPDX-License-Identifier: Apache-2.0
// Throw-away VMs: what they leave on disk, which is nothing.
#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class ThrowawayTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    create_app("work", "debian");
    must({"vm", "start", "work"});
    put("work", "private", first_block, 'p');
    must({"vm", "stop", "work"});
  }
};

TEST_F(ThrowawayTest,
       while_one_runs_and_writes_nothing_of_it_but_a_definition_in_the_run_directory_has_a_name) {
  const Picture before = everything().files;
  must({"vm", "run-throwaway", "work", "once"});
  for (const char* volume : {"root", "private", "volatile"}) put("once", volume, first_block, 't');
  EXPECT_EQ(everything().files, before);
  EXPECT_TRUE(path_exists(run_directory() / "throwaway/once.json"));
  must({"vm", "stop", "once"});
}

TEST_F(ThrowawayTest, it_begins_with_what_its_app_vm_has_saved_and_takes_what_it_wrote_with_it) {
  const Everything before = everything();
  must({"vm", "run-throwaway", "work", "once"});
  EXPECT_EQ(get("once", "private", first_block), 'p');
  put("once", "private", first_block, 't');
  put("once", "volatile", first_block, 't');
  EXPECT_EQ(get("once", "volatile", first_block), 't');
  must({"vm", "stop", "once"});
  expect_as(before, "after the stop");
  must({"vm", "run-throwaway", "work", "once"});
  EXPECT_EQ(get("once", "private", first_block), 'p');
  EXPECT_EQ(get("once", "volatile", first_block), '\0');
  must({"vm", "stop", "once"});
}

TEST_F(ThrowawayTest, one_that_has_lost_its_devices_is_gone_after_recovery) {
  const Everything before = everything();
  must({"vm", "run-throwaway", "work", "once"});
  lose_devices("once");
  EXPECT_NE(must({"recover", "--dry-run"}).find("once"), std::string::npos);
  must({"recover"});
  EXPECT_FALSE(cowshed({"vm", "info", "once"}).ok());
  expect_as(before, "after recovery");
}

}  // namespace
}  // namespace cowshed::test
