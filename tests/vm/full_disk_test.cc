// SPDX-License-Identifier: Apache-2.0
// The pool's file system is full at each step that takes space of what gives a volume another content.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "support/full_disk.h"

namespace cowshed::test {
namespace {

constexpr Bytes in_hole = mebibytes(1), hole = kibibytes(256);

class FullDiskTests : public FullDiskTest {
 protected:
  /// Where no session but ours writes.
  void put_in_hole(const std::string& vm, char value) {
    write_block(open_direct(node(vm, "root"), O_RDWR), in_hole, value, hole);
  }
  /// As fstrim does. Only what the session has written is its own to discard.
  void make_hole(const std::string& vm) {
    put_in_hole(vm, 'x');
    std::uint64_t range[] = {in_hole.count, hole.count};
    ASSERT_EQ(::ioctl(open_direct(node(vm, "root"), O_RDWR).get(), BLKDISCARD, range), 0);
  }
  /// So that merging what `vm` has written takes space.
  Scenario in_a_hole(Scenario scenario, const std::string& vm = "debian") {
    scenario.prepare = [this, prepare = scenario.prepare, vm] {
      prepare();
      put_in_hole(vm, 'c');
    };
    return scenario;
  }
  /// A session of its own.
  void commit_with_hole(char value) {
    must({"vm", "start", "debian"});
    write_all_of("debian", value);
    make_hole("debian");
    must({"vm", "stop", "debian"});
  }
  void commit_without_hole(char value) {
    must({"vm", "start", "debian"});
    write_all_of("debian", value);
    put_in_hole("debian", value);
    must({"vm", "stop", "debian"});
  }
  void require_failures_in(const std::vector<std::string>& files) { tally_.require("failed in", files); }
};

TEST_F(FullDiskTests, OfACommit) {
  create_template_with_revision();
  require_failures_in({"root-commit-cow.img.new", "root.img"});
  fill_disk_in(in_a_hole(commit_session()));
}
TEST_F(FullDiskTests, OfACommitUnderARunningVm) {
  create_vms();
  require_failures_in({"root-commit-cow.img.new", "root.img"});
  fill_disk_in(in_a_hole(commit_session()));
}
TEST_F(FullDiskTests, OfACommitThatKeepsNoRevision) {
  create_template_with_revision();
  require_failures_in({"root.img"});
  keep_no_revision();
  Scenario scenario = in_a_hole(commit_session_keeping_none());
  scenario.prepare = [this, prepare = scenario.prepare] {
    // There is no revert that would make the hole again.
    commit_with_hole('n');
    prepare();
  };
  fill_disk_in(scenario);
}
TEST_F(FullDiskTests, OfARevert) {
  create_vms();
  commit_without_hole('a');
  commit_with_hole('b');
  require_failures_in({"root-commit-cow.img.new", "root.img"});
  fill_disk_in(revert());
}
TEST_F(FullDiskTests, OfAPromotion) {
  create_vms();
  create_draft();
  require_failures_in({"root-commit-cow.img.new"});
  fill_disk_in(promote_stopped());
}
TEST_F(FullDiskTests, OfAPromotionOfARunningVm) {
  create_vms();
  create_draft();
  // Takes more than all that comes after it.
  require_failures_in({"root-commit.img.new"});
  fill_disk_in(in_a_hole(promote_running(), "draft"));
}
TEST_F(FullDiskTests, OfAnImport) {
  create_vms();
  commit_without_hole('b');
  require_failures_in({"root-import.img.new", "root-commit-cow.img.new"});
  fill_disk_in(import());
}
TEST_F(FullDiskTests, OfAShrink) {
  create_vms();
  fill_disk_in(shrink());
}
TEST_F(FullDiskTests, OfAGrowOfARunningVolume) {
  create_vms();
  fill_disk_in(grow());
}

}  // namespace
}  // namespace cowshed::test
