// SPDX-License-Identifier: Apache-2.0
// Trees that other programs have made: plain files, and losetup and dmsetup with the tables that Qubes'
// scripts load (linux/system-config/create-snapshot: persistent snapshots in chunks of 256 sectors, the store
// as large as the image), in the states in which a session or its end may have left them.
#include "support/tree_fixture.h"

namespace cowshed::test {
namespace {

class AdoptTest : public TreeTest {
 protected:
  void SetUp() override {
    TreeTest::SetUp();
    if (IsSkipped()) return;
    must_shell("mkdir -p vm-templates/fedora appvms/work");
    make("vm-templates/fedora/root", "8M");
    make("vm-templates/fedora/private", "1M");
    make("appvms/work/private", "4M");
    must({"pool", "add", "qubes", "--driver", "file", "-o", "dir_path=" + tree().native()});
  }
  /// The layers of a running origin volume, as Qubes' scripts make them.
  void bring_up(const std::string& stem) {
    must_shell("truncate -s $(stat -c %s " + stem + ".img) " + stem + "-cow.img; b=$(losetup -f --show " +
               stem + ".img); c=$(losetup -f --show " + stem +
               "-cow.img); n=$(blockdev --getsz $b); dmsetup create q-snapshot --table \"0 $n snapshot $b $c "
               "P 256\"; "
               "dmsetup create q-origin --table \"0 $n snapshot-origin $b\"");
  }
  /// Ends without a commit: as the files lie there after a kill or a crash.
  void tear_down() { must_shell("dmsetup remove q-origin; dmsetup remove q-snapshot; losetup -D"); }
  /// A guest's writes: `blocks` of 4 KiB, here and there. Afterwards copied as state 'b'.
  void interrupted_session(const std::string& stem, const std::string& blocks = "3 7 31 32 33 100 255") {
    bring_up(stem);
    must_shell("for i in " + blocks +
               "; do dd if=/dev/urandom of=/dev/mapper/q-origin bs=4k seek=$i count=1 "
               "oflag=direct status=none; done");
    tear_down();
    must_shell("cp " + stem + ".img ../" + copy(stem, 'b'));
  }
  void adopt() { must({"vm", "adopt", tree().native(), "--template", "fedora"}); }

  void expect_refused(const std::string& part, const std::string& other) {
    const Everything before = everything(Detail::contents);
    const Outcome outcome = cowshed({"vm", "adopt", tree().native(), "--template", "fedora"});
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    expect_one_error_line(outcome, part);
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
    EXPECT_NE(outcome.err.find(other), std::string::npos) << outcome.text();
    expect_as(before, part, Detail::contents);
  }

  const std::string root_ = "vm-templates/fedora/root", private_ = "appvms/work/private";
};

TEST_F(AdoptTest, plain_images_are_handed_out_as_they_are) {
  adopt();
  expect_started("fedora", "root", root_, 'a');
  expect_started("work", "root", root_, 'a');
  expect_started("work", "private", private_, 'a');
}

TEST_F(AdoptTest,
       app_vms_see_the_state_before_a_session_that_was_not_ended_and_the_next_start_goes_on_with_it) {
  interrupted_session(root_);
  const Picture files = picture_of_files(tree(), Detail::contents);
  adopt();
  EXPECT_EQ(picture_of_files(tree(), Detail::contents), files);
  EXPECT_TRUE(json({"volume", "info", "fedora:root"}).at("is_dirty").get<bool>());
  expect_started("work", "root", root_, 'a');
  expect_started("fedora", "root", root_, 'b');
  expect_started("work", "root", root_, 'b');
  must({"volume", "revert", "fedora:root"});
  expect_started("work", "root", root_, 'a');
  must({"volume", "revert", "fedora:root"});
  expect_started("work", "root", root_, 'b');
}

TEST_F(AdoptTest, a_revision_that_a_commit_has_left_is_reverted_to) {
  interrupted_session(root_);
  // Qubes' commit.
  must_shell(
      "mv vm-templates/fedora/root-cow.img vm-templates/fedora/root-cow.img.old; "
      "truncate -s 8M vm-templates/fedora/root-cow.img");
  adopt();
  EXPECT_FALSE(json({"volume", "info", "fedora:root"}).at("is_dirty").get<bool>());
  expect_started("work", "root", root_, 'b');
  must({"vm", "start", "work"});
  must({"volume", "revert", "fedora:root"});
  expect_state("work", "root", root_, 'b');
  must({"vm", "stop", "work"});
  expect_started("work", "root", root_, 'a');
}

TEST_F(AdoptTest, a_revision_and_a_session_on_top_of_it_are_each_their_own_state) {
  interrupted_session(root_);
  must_shell("mv vm-templates/fedora/root-cow.img vm-templates/fedora/root-cow.img.old; mv ../" +
             copy(root_, 'b') + " ../" + copy(root_, 'm'));
  interrupted_session(root_, "0 1 2 7 500");
  adopt();
  expect_started("work", "root", root_, 'm');
  expect_started("fedora", "root", root_, 'b');
  must({"volume", "revert", "fedora:root"});
  expect_started("work", "root", root_, 'm');
}

TEST_F(AdoptTest, a_session_that_wrote_nothing_is_clean) {
  interrupted_session(private_, "");
  adopt();
  EXPECT_FALSE(json({"volume", "info", "work:private"}).at("is_dirty").get<bool>());
  expect_started("work", "private", private_, 'a');
}

TEST_F(AdoptTest, a_store_as_large_as_its_image_takes_a_wholly_rewritten_volume) {
  // One that Qubes has begun to write, and one that it has only made.
  interrupted_session(private_);
  must_shell("truncate -s 1M vm-templates/fedora/private-cow.img");
  adopt();
  for (const auto& [vm, stem] :
       {std::pair<std::string, std::string>{"work", private_}, {"fedora", "vm-templates/fedora/private"}}) {
    must({"vm", "start", vm});
    must_shell("dd if=/dev/urandom of=" + node(vm, "private").native() +
               " bs=64k oflag=direct status=none 2>/dev/null || true; dd if=" + node(vm, "private").native() +
               " of=../" + copy(stem, 'c') + " bs=64k iflag=direct status=none");
    must({"vm", "stop", vm});
    expect_started(vm, "private", stem, 'c');
    must({"volume", "verify", vm + ":private"});
    must({"volume", "revert", vm + ":private"});
    expect_started(vm, "private", stem, 'a');
  }
}

TEST_F(AdoptTest, a_store_that_overflowed_is_refused_by_name_and_its_image_adopted_without_it) {
  bring_up(private_);
  must_shell(
      "dd if=/dev/urandom of=/dev/mapper/q-origin bs=64k oflag=direct status=none 2>/dev/null || true; "
      "dmsetup status q-snapshot | grep -q Invalid");
  tear_down();
  must_shell("cp " + private_ + ".img ../" + copy(private_, 'b'));
  expect_refused((tree() / (private_ + "-cow.img")).native(), "move that away");
  must_shell("rm " + private_ + "-cow.img");
  adopt();
  expect_started("work", "private", private_, 'b');
}

TEST_F(AdoptTest, files_on_which_another_program_runs_are_refused_with_its_devices) {
  bring_up(root_);
  const Outcome outcome = cowshed({"vm", "adopt", tree().native(), "--template", "fedora"});
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  for (const std::string part : {"root", "/dev/loop", "q-snapshot"})
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
  EXPECT_TRUE(json({"vm", "list"}).empty());
  tear_down();
  adopt();
}

TEST_F(AdoptTest, an_app_vms_own_store_of_a_session_that_is_thrown_away_does_not_come_back) {
  must_shell(
      "truncate -s 8M appvms/work/root-cow.img; head -c 1M /dev/urandom | "
      "dd of=appvms/work/root-cow.img conv=notrunc status=none");
  adopt();
  expect_started("work", "root", root_, 'a');
  must({"recover"});
  expect_started("work", "root", root_, 'a');
}

TEST_F(AdoptTest, what_is_adopted_is_like_any_other_vm) {
  interrupted_session(private_);
  adopt();
  must({"vm", "clone", "fedora", "copy"});
  must({"vm", "start", "work"});
  put("work", "private", Bytes{0}, 'w');
  must({"vm", "stop", "work"});
  must({"volume", "resize", "work:private", "5M"});
  must({"vm", "start", "work"});
  EXPECT_EQ(get("work", "private", Bytes{0}), 'w');
  must({"vm", "stop", "work"});
  must({"vm", "remove", "work"});
  EXPECT_FALSE(path_exists(tree() / "appvms/work"));
  must({"vm", "remove", "fedora"});
  must({"vm", "remove", "copy"});
}

TEST_F(AdoptTest, a_hostile_tree_on_a_file_system_that_knows_such_files_is_refused) {
  must_shell(
      "mount -t tmpfs none appvms; mkdir appvms/evil; truncate -s 9223372036854775807 appvms/evil/root.img");
  expect_refused((tree() / "appvms/evil/root.img").native(), "too large");
  must_shell("truncate -s 9223372036854771712 appvms/evil/root.img");
  expect_refused((tree() / "appvms/evil/root.img").native(), "too large");
  must_shell("rm appvms/evil/root.img; mknod appvms/evil/root.img b 7 0");
  expect_refused((tree() / "appvms/evil/root.img").native(), "device node");
  // A store whose chunks are many: its list is not believed before it is measured.
  must_shell(
      "rm appvms/evil/root.img; truncate -s 1M appvms/evil/root.img; "
      "printf 'SnAp\\1\\0\\0\\0\\1\\0\\0\\0\\1\\0\\0\\0' > appvms/evil/root-cow.img; "
      "truncate -s 250T appvms/evil/root-cow.img; printf '\\1' | "
      "dd of=appvms/evil/root-cow.img bs=1 seek=520 conv=notrunc status=none");
  const Outcome outcome = cowshed({"vm", "adopt", (tree() / "appvms/evil").native()});
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.err.find("appvms/evil/root-cow.img"), std::string::npos) << outcome.text();
  must_shell("umount appvms");
}

}  // namespace
}  // namespace cowshed::test
