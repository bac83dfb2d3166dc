// SPDX-License-Identifier: Apache-2.0
// What a Qubes installation relies on of its storage, by commands, over the driver that a first start picks
// on each file system: `file` on ext4, `file-reflink` on XFS and btrfs.
#include "support/cowshed_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

constexpr Bytes at_first{0}, at_far = kibibytes(512);

class QubesFlowsTest : public OnFileSystem<CowshedTest> {
 protected:
  void SetUp() override {
    OnFileSystem::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    create_app("work", "debian");
    const std::string driver = GetParam() == std::string("ext4") ? "file" : "file-reflink";
    ASSERT_EQ(json({"pool", "info", "varlib"}).at("driver"), driver);
  }
  void start(const std::string& vm) { must({"vm", "start", vm}); }
  void stop(const std::string& vm) { must({"vm", "stop", vm}); }
  void restart(const std::string& vm) {
    stop(vm);
    start(vm);
  }
  /// In a session of its own.
  void write(const std::string& vm, const std::string& volume, char value) {
    start(vm);
    for (const Bytes at : {at_first, at_far}) put(vm, volume, at, value);
    stop(vm);
  }
  void expect_sees(const std::string& vm, const std::string& volume, char value) {
    for (const Bytes at : {at_first, at_far}) EXPECT_EQ(get(vm, volume, at), value) << vm << ":" << volume;
  }
  void expect_refused(const Command& command, const std::string& part) {
    const Outcome outcome = cowshed(command);
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
  }
  auto size_of_volume(const std::string& volume) {
    return json({"volume", "info", volume}).at("size").get<std::uint64_t>();
  }
};

TEST_P(QubesFlowsTest, what_is_volatile_stays_so) {
  start("work");
  put("work", "volatile", at_first, 'v');
  put("work", "root", at_far, 'r');
  restart("work");
  EXPECT_EQ(get("work", "volatile", at_first), 0);
  EXPECT_EQ(get("work", "root", at_far), 0);
}

TEST_P(QubesFlowsTest, what_is_not_volatile_persists) {
  write("work", "private", 'p');
  start("work");
  expect_sees("work", "private", 'p');
}

TEST_P(QubesFlowsTest, what_is_read_only_cannot_be_written) {
  write("work", "private", 'p');
  must({"volume", "set", "work:private", "rw", "false"});
  must({"volume", "set", "work:root", "rw", "false"});
  start("work");
  for (const char* volume : {"private", "root"})
    EXPECT_TRUE(kernel_refuses_writes(node("work", volume))) << volume;
  expect_sees("work", "private", 'p');
}

TEST_P(QubesFlowsTest, a_change_of_the_template_is_seen_after_the_app_vms_own_restart_and_not_before) {
  start("work");
  start("debian");
  put("debian", "root", at_first, 'n');
  EXPECT_EQ(get("work", "root", at_first), 0);
  restart("work");
  EXPECT_EQ(get("work", "root", at_first), 0) << "the template has not been stopped yet";
  stop("debian");
  EXPECT_EQ(get("work", "root", at_first), 0);
  EXPECT_TRUE(json({"volume", "info", "work:root"}).at("is_outdated").get<bool>());
  restart("work");
  EXPECT_EQ(get("work", "root", at_first), 'n');
  EXPECT_FALSE(json({"volume", "info", "work:root"}).at("is_outdated").get<bool>());
}

TEST_P(QubesFlowsTest, app_vms_are_not_stuck_on_an_old_state) {
  for (const char value : {'a', 'b', 'c'}) {
    write("debian", "root", value);
    start("work");
    expect_sees("work", "root", value);
    put("work", "root", at_first, 'w');
    stop("work");
  }
}

TEST_P(QubesFlowsTest, a_disposable_begins_with_what_its_app_vm_has_saved) {
  write("debian", "root", 'd');
  write("work", "private", 'w');
  must({"vm", "run-throwaway", "work", "disp1"});
  expect_sees("disp1", "root", 'd');
  expect_sees("disp1", "private", 'w');
  put("disp1", "private", at_first, 'x');
  stop("disp1");
  EXPECT_EQ(json({"vm", "list"}).size(), 2u);
  start("work");
  expect_sees("work", "private", 'w');
}

TEST_P(QubesFlowsTest, the_size_follows_a_clone) {
  must({"volume", "resize", "debian:root", "8M"});
  write("debian", "root", 'r');
  must({"vm", "clone", "debian", "fedora"});
  EXPECT_EQ(size_of_volume("fedora:root"), mebibytes(8).count);
  start("fedora");
  expect_sees("fedora", "root", 'r');
  put("fedora", "root", mebibytes(7), 'e');
  stop("fedora");
  // And an app VM's is its template's.
  start("work");
  EXPECT_EQ(size_of_volume("work:root"), mebibytes(8).count);
  EXPECT_EQ(get("work", "root", mebibytes(7)), 0);
}

TEST_P(QubesFlowsTest, with_snapshots_off_template_and_app_vm_refuse_to_run_beside_each_other) {
  must({"volume", "set", "debian:root", "revisions_to_keep", "-1"});
  start("debian");
  expect_refused({"vm", "start", "work"}, "debian");
  put("debian", "root", at_first, 'o');
  stop("debian");
  start("work");
  EXPECT_EQ(get("work", "root", at_first), 'o');
  expect_refused({"vm", "start", "debian"}, "work");
  stop("work");
  start("debian");
}

TEST_P(QubesFlowsTest, a_revision_brings_the_old_template_back) {
  write("debian", "root", 'a');
  write("debian", "root", 'b');
  must({"volume", "revert", "debian:root"});
  start("work");
  expect_sees("work", "root", 'a');
}

INSTANTIATE_TEST_SUITE_P(On, QubesFlowsTest, testing::Values("ext4", "xfs", "btrfs"), file_system_name);

}  // namespace
}  // namespace cowshed::test
