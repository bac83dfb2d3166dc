// SPDX-License-Identifier: Apache-2.0
// Device nodes for a VM manager that runs as somebody else.
#include <fcntl.h>
#include <sys/stat.h>

#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class NodesTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    create_app("work", "debian");
    // scratch() is root's alone.
    ASSERT_TRUE(shell("chmod 755 " + scratch().native()).ok());
  }

  [[nodiscard]] Path link(const std::string& volume) const { return run_directory() / "dev/work" / volume; }
  /// Of the node that the link leads to.
  [[nodiscard]] struct stat stat_of(const std::string& volume) const {
    struct stat st {};
    EXPECT_EQ(::stat(link(volume).c_str(), &st), 0);
    return st;
  }
  /// Whether somebody may read the device.
  bool can_read(unsigned user, const std::string& volume) {
    return shell("setpriv --reuid " + std::to_string(user) + " --clear-groups head -c 512 " +
                 link(volume).native() + " >/dev/null")
        .ok();
  }
  void expect_owned(unsigned owner, unsigned group, unsigned mode) {
    for (const char* volume : {"root", "private", "volatile"}) {
      const struct stat st = stat_of(volume);
      EXPECT_TRUE(S_ISBLK(st.st_mode)) << volume;
      EXPECT_EQ(st.st_uid, owner) << volume;
      EXPECT_EQ(st.st_gid, group) << volume;
      EXPECT_EQ(st.st_mode & 0777U, mode) << volume;
    }
  }
  void expect_no_nodes() {
    const auto left = shell("find /dev/cowshed -type b 2>/dev/null");
    EXPECT_EQ(left.out, "");
  }
};

TEST_F(NodesTest, they_belong_to_whom_they_were_asked_for_and_to_nobody_else) {
  const Everything before = everything();
  must({"vm", "start", "work", "--node-owner", "1234:2345", "--node-mode", "600"});
  expect_owned(1234, 2345, 0600);
  EXPECT_TRUE(can_read(1234, "root"));
  EXPECT_FALSE(can_read(1235, "root"));
  put("work", "volatile", first_block, 'n');
  EXPECT_EQ(get("work", "volatile", first_block), 'n');
  must({"vm", "stop", "work"});
  expect_no_nodes();
  expect_as(before, "after the stop");
  must({"vm", "start", "work"});
  expect_no_nodes();
  must({"vm", "stop", "work"});
}

TEST_F(NodesTest, without_a_mode_owner_and_group_may_read_and_write) {
  must({"vm", "start", "work", "--node-owner", ":2345"});
  expect_owned(0, 2345, 0660);
  must({"vm", "stop", "work"});
}

TEST_F(NodesTest, a_stop_that_is_refused_leaves_them_as_they_were) {
  must({"vm", "start", "work", "--node-owner", "1234:2345"});
  {
    const Fd held = open_file(link("private"), O_RDONLY);
    EXPECT_FALSE(cowshed({"vm", "stop", "work"}).ok());
  }
  expect_owned(1234, 2345, 0660);
  must({"vm", "stop", "work"});
  expect_no_nodes();
}

TEST_F(NodesTest, recovery_makes_missing_links_again_and_leaves_the_owner) {
  must({"vm", "start", "work", "--node-owner", "1234:2345"});
  ASSERT_TRUE(shell("rm " + link("root").native()).ok());
  must({"recover"});
  expect_owned(1234, 2345, 0660);
  must({"vm", "stop", "work"});
  expect_no_nodes();
}

TEST_F(NodesTest, those_of_a_vm_that_has_lost_its_devices_are_gone_after_recovery) {
  must({"vm", "start", "work", "--node-owner", "1234"});
  lose_devices("work");
  must({"recover"});
  expect_no_nodes();
}

TEST_F(NodesTest, an_owner_or_a_mode_that_is_none_starts_nothing) {
  const Everything before = everything();
  const auto refused = [&](const Command& options, const std::string& says) {
    Command command{"vm", "start", "work"};
    command.insert(command.end(), options.begin(), options.end());
    const auto outcome = cowshed(command);
    EXPECT_FALSE(outcome.ok());
    EXPECT_NE(outcome.text().find(says), std::string::npos) << outcome.text();
  };
  refused({"--node-owner", "nobody-of-that-name"}, "there is no user 'nobody-of-that-name'");
  refused({"--node-owner", "root:none-of-that-name"}, "there is no group 'none-of-that-name'");
  refused({"--node-owner", ":"}, "names no owner");
  refused({"--node-mode", "rw"}, "is no mode");
  refused({"--node-mode", "4755"}, "is no mode");
  expect_as(before, "after refused starts");
}

}  // namespace
}  // namespace cowshed::test
