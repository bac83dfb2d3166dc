// SPDX-License-Identifier: Apache-2.0
// Trees as Qubes' reflink driver leaves them, made by cp: a clean image, a dirty one of a session that was
// not ended, revisions with their times.
#include "support/mounted_file_system.h"
#include "support/tree_fixture.h"

namespace cowshed::test {
namespace {

class AdoptReflinkTest : public OnFileSystem<TreeTest> {
 protected:
  void SetUp() override {
    OnFileSystem::SetUp();
    if (IsSkipped()) return;
    must_shell("mkdir -p vm-templates/fedora appvms/work");
    make(root_, "8M");
    make("vm-templates/fedora/private", "1M");
    make("appvms/work/private", "4M");
    must({"pool", "add", "qubes", "--driver", "file-reflink", "-o", "dir_path=" + tree().native()});
  }
  /// `made` is a copy of the root in which some blocks are others; kept beside the tree as `state`.
  void make_other(const std::string& made, char state) {
    must_shell("cp --reflink=always " + root_ + ".img " + made +
               "; for i in 3 7 100 2000; do dd if=/dev/urandom of=" + made +
               " bs=4k seek=$i count=1 conv=notrunc status=none; done; cp " + made + " ../" +
               copy(root_, state));
  }
  void adopt() { must({"vm", "adopt", tree().native(), "--template", "fedora"}); }

  const std::string root_ = "vm-templates/fedora/root";
  const std::string revision_ = "3@2024-01-02T03:04:05Z";
};

TEST_P(AdoptReflinkTest, clean_images_are_handed_out_as_they_are) {
  adopt();
  expect_started("fedora", "root", root_, 'a');
  expect_started("work", "root", root_, 'a');
  expect_started("work", "private", "appvms/work/private", 'a');
}

TEST_P(AdoptReflinkTest, a_session_that_was_not_ended_goes_on_and_others_see_the_state_before) {
  make_other(root_ + "-dirty.img", 'b');
  adopt();
  EXPECT_TRUE(json({"volume", "info", "fedora:root"}).at("is_dirty").get<bool>());
  expect_started("work", "root", root_, 'a');
  expect_started("fedora", "root", root_, 'b');
  EXPECT_FALSE(json({"volume", "info", "fedora:root"}).at("is_dirty").get<bool>());
  expect_started("work", "root", root_, 'b');
  must({"volume", "revert", "fedora:root"});
  expect_started("work", "root", root_, 'a');
}

TEST_P(AdoptReflinkTest, revisions_keep_their_names_and_are_gone_back_to) {
  make_other(root_ + ".img." + revision_, 'r');
  adopt();
  const auto revisions = json({"volume", "revisions", "fedora:root"});
  ASSERT_EQ(revisions.size(), 1u);
  EXPECT_EQ(revisions[0].at("id"), revision_);
  must({"volume", "revert", "fedora:root", revision_});
  expect_started("fedora", "root", root_, 'r');
}

TEST_P(AdoptReflinkTest, a_dry_run_and_the_adoption_itself_touch_no_file_of_the_tree) {
  make_other(root_ + "-dirty.img", 'b');
  make_other(root_ + ".img." + revision_, 'r');
  const Picture files = picture_of_files(tree(), Detail::contents);
  const Outcome told = cowshed({"vm", "adopt", tree().native(), "--template", "fedora", "--dry-run"});
  EXPECT_TRUE(told.ok()) << told.text();
  EXPECT_NE(told.out.find("fedora"), std::string::npos) << told.text();
  EXPECT_EQ(json({"vm", "list"}).size(), 0u);
  adopt();
  EXPECT_EQ(picture_of_files(tree(), Detail::contents), files);
}

INSTANTIATE_TEST_SUITE_P(On, AdoptReflinkTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test
