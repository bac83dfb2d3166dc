// SPDX-License-Identifier: Apache-2.0
// The pool's file system is full at each step that takes space of what gives a volume another content.
#include <fcntl.h>

#include "support/full_disk.h"

namespace cowshed::test {
namespace {

class FullDiskTests : public FullDiskTest {
 protected:
  /// Where no session but ours writes; zeros become a hole in the image.
  void put_in_hole(const std::string& vm, char value) {
    write_block(open_direct(node(vm, "root"), O_RDWR), mebibytes(1), value, kibibytes(256));
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
  void commit_with_hole(char value, char in_hole) {
    must({"vm", "start", "debian"});
    write_all_of("debian", value);
    put_in_hole("debian", in_hole);
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
    commit_with_hole('n', 0);
    prepare();
  };
  fill_disk_in(scenario);
}
TEST_F(FullDiskTests, OfARevert) {
  create_vms();
  commit_with_hole('a', 'c');
  commit_with_hole('b', 0);
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
  commit_with_hole('b', 'c');
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
