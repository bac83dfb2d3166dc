// SPDX-License-Identifier: Apache-2.0
// The file-reflink driver: what the four kinds of volumes promise, on XFS and btrfs. (What changes a volume
// as a whole: reflink_content_test.cc.)
#include <fcntl.h>
#include <sys/stat.h>

#include "support/process.h"
#include "support/reflink_pool_fixture.h"

namespace cowshed::test {
namespace {

using Names = std::set<std::string>;

class ReflinkSessionTest : public ReflinkPoolTest {};

// --- Volatile

TEST_P(ReflinkSessionTest, a_volatile_volume_is_empty_at_each_start_and_leaves_nothing) {
  auto& scrap = volatile_volume("work");
  for (int session = 0; session < 2; ++session) {
    const Path node = start(scrap);
    expect_all(node, image_size, 0);
    put(node, first_block, 'x');
    EXPECT_FALSE(scrap.is_dirty());
    stop(scrap);
    EXPECT_EQ(files_in("appvms/work"), Names{});
  }
}

TEST_P(ReflinkSessionTest, an_ephemeral_volume_has_no_file_and_leaves_nothing) {
  auto p = properties("appvms/work/volatile");
  p.ephemeral = true;
  auto& scrap = add(p);
  const Path node = start(scrap);
  EXPECT_EQ(files_in("appvms/work"), Names{});
  expect_all(node, image_size, 0);
  put(node, first_block, 'x');
  EXPECT_EQ(get(node, first_block), 'x');
  EXPECT_GT(scrap.usage(), Bytes{0});
  expect_error(ErrorKind::not_supported, [&] { scrap.resize(mebibytes(9), false, nullptr).get(); });
  stop(scrap);
  EXPECT_FALSE(scrap.is_running());
}

// --- Origin

TEST_P(ReflinkSessionTest, an_origin_volume_commits_at_stop_and_keeps_what_it_held_as_a_revision) {
  auto& root = origin("debian");
  EXPECT_EQ(files_in("vm-templates/debian"), Names{"root.img"});
  const Path node = start(root);
  EXPECT_EQ(files_in("vm-templates/debian"), (Names{"root.img", "root-dirty.img"}));
  fill(node, image_size, 'a');
  EXPECT_EQ(read_block(open_file(file("vm-templates/debian/root.img"), O_RDONLY), first_block), 0);
  stop(root);
  expect_all(file("vm-templates/debian/root.img"), image_size, 'a');
  ASSERT_EQ(count_revisions(root), 1u);
  EXPECT_EQ(files_in("vm-templates/debian"), (Names{"root.img", "root.img." + root.revisions()[0].id}));
  EXPECT_TRUE(root.revisions()[0].id.starts_with("1@"));
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkSessionTest, a_session_that_writes_nothing_is_no_commit) {
  auto& root = origin("debian");
  commit(root, 'a');
  const auto before = files_in("vm-templates/debian");
  const auto image = stat_if_exists(file("vm-templates/debian/root.img"));
  expect_all(start(root), image_size, 'a');
  EXPECT_FALSE(root.is_dirty());
  stop(root);
  EXPECT_EQ(files_in("vm-templates/debian"), before);
  EXPECT_EQ(stat_if_exists(file("vm-templates/debian/root.img"))->id, image->id);
}

TEST_P(ReflinkSessionTest, it_is_dirty_from_the_first_write_to_the_commit) {
  auto& root = origin("debian");
  const Path node = start(root);
  EXPECT_FALSE(root.is_dirty());
  put(node, far_block, 'a');
  EXPECT_TRUE(root.is_dirty());
  stop(root);
  EXPECT_FALSE(root.is_dirty());
}

TEST_P(ReflinkSessionTest, a_discard_counts_as_a_write) {
  auto& root = origin("debian");
  commit(root, 'a');
  const Path node = start(root);
  const auto discarded = run_program({"blkdiscard", "-o", "0", "-l", "1048576", node.native()});
  ASSERT_TRUE(discarded.ok()) << discarded.text();
  EXPECT_TRUE(root.is_dirty());
  stop(root);
  const Path again = start(root);
  EXPECT_EQ(get(again, first_block), 0);
  EXPECT_EQ(get(again, mebibytes(1)), 'a');
  stop(root);
}

TEST_P(ReflinkSessionTest, a_start_copies_no_data) {
  auto& root = origin("debian");
  commit(root, 'a');
  const Path node = start(root);
  EXPECT_LE(root.usage(), image_size + mebibytes(1)) << "shared extents are counted once";
  struct stat st {};
  ASSERT_EQ(::stat(file("vm-templates/debian/root-dirty.img").c_str(), &st), 0);
  EXPECT_GT(st.st_blocks * 512, 4 << 20) << "and they are there";
  put(node, first_block, 'b');
  stop(root);
}

TEST_P(ReflinkSessionTest, a_cut_off_session_is_gone_on_with) {
  auto& root = origin("debian");
  commit(root, 'a');
  fill(start(root), image_size, 'b');
  root.abandon().get();
  EXPECT_TRUE(root.is_dirty());
  EXPECT_FALSE(root.is_running());
  auto& later = snapshot_of(root, "work");
  expect_holds(later, image_size, 'a');
  EXPECT_EQ(recover({&root}), std::vector<std::string>{});
  expect_all(start(root), image_size, 'b');
  stop(root);
  expect_holds(root, image_size, 'b');
  EXPECT_EQ(count_revisions(root), 1u);
}

TEST_P(ReflinkSessionTest, a_cut_off_session_that_wrote_nothing_leaves_the_volume_clean) {
  auto& root = origin("debian");
  start(root);
  root.abandon().get();
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(files_in("vm-templates/debian"), Names{"root.img"});
}

TEST_P(ReflinkSessionTest, a_discarded_session_leaves_the_committed_state) {
  auto& root = origin("debian");
  commit(root, 'a');
  const auto before = files_in("vm-templates/debian");
  fill(start(root), image_size, 'b');
  root.check_stop({.discard = true, .progress = {}});
  discard(root);
  EXPECT_EQ(files_in("vm-templates/debian"), before);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkSessionTest, a_cut_off_session_can_be_discarded_later) {
  auto& root = origin("debian");
  commit(root, 'a');
  fill(start(root), image_size, 'b');
  root.abandon().get();
  discard(root);
  EXPECT_FALSE(root.is_dirty());
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkSessionTest, as_many_revisions_are_kept_as_it_says) {
  for (const int keep : {0, 1, 3}) {
    auto& root = origin("debian" + std::to_string(keep), keep);
    for (const char value : {'a', 'b', 'c', 'd', 'e'}) commit(root, value);
    const auto revisions = root.revisions();
    ASSERT_EQ(revisions.size(), static_cast<std::size_t>(keep));
    char value = static_cast<char>('e' - keep);
    for (const auto& revision : revisions)
      expect_all(Path(root.paths().path.native() + "." + revision.id), image_size, value++);
    expect_holds(root, image_size, 'e');
  }
}

TEST_P(ReflinkSessionTest, when_fewer_are_to_be_kept_the_oldest_go_with_the_next_commit) {
  auto& root = origin("debian", 3);
  for (const char value : {'a', 'b', 'c', 'd'}) commit(root, value);
  auto& fewer = again(root, 1);
  EXPECT_EQ(count_revisions(fewer), 3u);
  commit(fewer, 'e');
  ASSERT_EQ(count_revisions(fewer), 1u);
  EXPECT_TRUE(fewer.revisions()[0].id.starts_with("5@")) << fewer.revisions()[0].id;
}

TEST_P(ReflinkSessionTest, a_read_only_volume_cannot_be_written) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto p = root.properties();
  p.rw = false;
  auto& read_only = add(p);
  const Path node = start(read_only);
  EXPECT_FALSE(read_only.block_device()->rw);
  EXPECT_TRUE(error_of([&] { put(node, first_block, 'x'); }).has_value());
  stop(read_only);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkSessionTest, a_second_start_and_a_stop_under_an_open_device_are_refused) {
  auto& root = origin("debian");
  const Path node = start(root);
  expect_error(ErrorKind::running, [&] { start(root); });
  expect_error(ErrorKind::running, [&] { root.check_remove(); });
  expect_error(ErrorKind::running, [&] { root.remove().get(); });
  {
    const Fd held = open_file(node, O_RDONLY);
    expect_error(ErrorKind::in_use, [&] { root.check_stop({}); });
    expect_error(ErrorKind::in_use, [&] { root.stop({}).get(); });
  }
  put(node, first_block, 'a');
  stop(root);
  EXPECT_EQ(read_block(open_file(root.paths().path, O_RDONLY), first_block), 'a');
}

// --- Snapshots off

TEST_P(ReflinkSessionTest, with_snapshots_off_the_guest_writes_the_image_itself) {
  auto& root = origin("debian", -1);
  const FileId id = stat_if_exists(root.paths().path)->id;
  const Path node = start(root);
  EXPECT_EQ(files_in("vm-templates/debian"), Names{"root-dirty.img"});
  EXPECT_TRUE(root.is_dirty()) << "from start on";
  fill(node, image_size, 'a');
  EXPECT_EQ(root.size(), image_size);
  root.verify();
  stop(root);
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(files_in("vm-templates/debian"), Names{"root.img"});
  EXPECT_EQ(stat_if_exists(root.paths().path)->id, id);
  expect_all(root.paths().path, image_size, 'a');
}

TEST_P(ReflinkSessionTest, with_snapshots_off_neither_snapshot_nor_export_nor_discard_is_to_be_had) {
  auto& root = origin("debian", -1);
  auto& work = snapshot_of(root, "work");
  const Path node = start(root);
  expect_error(ErrorKind::in_use, [&] { start(work); });
  expect_error(ErrorKind::in_use, [&] { (void)root.begin_export().get(); });
  expect_error(ErrorKind::not_supported, [&] { root.check_stop({.discard = true, .progress = {}}); });
  expect_error(ErrorKind::not_supported, [&] { discard(root); });
  put(node, first_block, 'a');
  root.abandon().get();
  EXPECT_TRUE(root.is_dirty()) << "there is no other state to go back to";
  expect_error(ErrorKind::dirty, [&] { start(work); });
  expect_error(ErrorKind::dirty, [&] { (void)root.begin_export().get(); });
  EXPECT_EQ(get(start(root), first_block), 'a');
  stop(root);
  EXPECT_EQ(get(start(work), first_block), 'a');
  stop(work);
}

TEST_P(ReflinkSessionTest, an_export_keeps_snapshots_off_from_beginning) {
  auto& root = origin("debian", -1);
  const auto exported = root.begin_export().get();
  expect_error(ErrorKind::in_use, [&] { start(root); });
  EXPECT_EQ(files_in("vm-templates/debian"), Names{"root.img"});
  exported->end();
  start(root);
  stop(root);
}

TEST_P(ReflinkSessionTest, snapshots_can_be_switched_off_and_on) {
  auto& root = origin("debian", 2);
  for (const char value : {'a', 'b'}) commit(root, value);
  auto& off = again(root, -1);
  commit(off, 'c');
  EXPECT_EQ(count_revisions(off), 0u);
  auto& on = again(root, 1);
  expect_holds(on, image_size, 'c');
  commit(on, 'd');
  EXPECT_EQ(count_revisions(on), 1u);
  revert(on);
  expect_holds(on, image_size, 'c');
}

// --- Snapshots

TEST_P(ReflinkSessionTest, a_snapshot_sees_what_was_committed_when_it_started) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto& work = snapshot_of(root, "work");
  fill(start(root), image_size, 'b');
  const Path node = start(work);
  expect_all(node, image_size, 'a');
  EXPECT_FALSE(work.is_outdated());
  stop(root);
  expect_all(node, image_size, 'a');
  EXPECT_TRUE(work.is_outdated());
  stop(work);
  EXPECT_FALSE(work.is_outdated());
  expect_all(start(work), image_size, 'b');
  EXPECT_FALSE(work.is_outdated());
  stop(work);
}

TEST_P(ReflinkSessionTest, what_a_snapshot_writes_is_its_own_and_goes_at_stop) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto &one = snapshot_of(root, "one"), &two = snapshot_of(root, "two");
  const Path node = start(one);
  put(node, first_block, 'x');
  EXPECT_EQ(get(start(two), first_block), 'a');
  EXPECT_EQ(get(node, first_block), 'x');
  EXPECT_FALSE(one.is_dirty());
  for (auto* volume : {&one, &two}) stop(*volume);
  EXPECT_EQ(files_in("appvms/one"), Names{});
  EXPECT_EQ(get(start(one), first_block), 'a');
  stop(one);
}

TEST_P(ReflinkSessionTest, a_snapshot_takes_no_more_room_than_what_it_wrote) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto& work = snapshot_of(root, "work");
  const Path node = start(work);
  EXPECT_EQ(work.usage(), Bytes{0});
  put(node, first_block, 'x');
  ASSERT_EQ(run_program({"sync"}).status, 0);
  EXPECT_GE(work.usage(), kibibytes(4));
  EXPECT_LE(work.usage(), kibibytes(256));
  stop(work);
}

TEST_P(ReflinkSessionTest, a_snapshot_is_outdated_across_processes_and_a_reused_inode) {
  auto& root = origin("debian", 0);
  commit(root, 'a');
  auto& work = snapshot_of(root, "work");
  start(work);
  for (const char value : {'b', 'c', 'd', 'e'}) {
    commit(root, value);
    // The object holds no state: another one over the same files and devices answers the same.
    EXPECT_TRUE(snapshot_of(root, "work").is_outdated());
  }
  stop(work);
}

// --- Origin-snapshots

TEST_P(ReflinkSessionTest, an_origin_snapshot_begins_with_its_source_and_commits_its_own) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto& own = origin_snapshot_of(root, "work");
  own.create({}).get();
  EXPECT_EQ(own.size(), image_size);
  expect_error(ErrorKind::not_found, [&] { (void)own.begin_export().get(); });
  const Path node = start(own);
  expect_all(node, image_size, 'a');
  EXPECT_FALSE(own.is_dirty());
  fill(node, image_size, 'x');
  EXPECT_TRUE(own.is_dirty());
  stop(own);
  EXPECT_FALSE(own.is_dirty());
  expect_all(own.begin_export().get()->path(), image_size, 'x');
  commit(root, 'b');
  expect_all(start(own), image_size, 'b');
  EXPECT_FALSE(own.is_outdated());
  commit(root, 'c');
  EXPECT_TRUE(own.is_outdated());
  stop(own);
  // Nothing was written, and yet it is another state than its last.
  expect_all(own.begin_export().get()->path(), image_size, 'b');
}

TEST_P(ReflinkSessionTest, an_origin_snapshot_goes_on_with_what_a_power_loss_left) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto& own = origin_snapshot_of(root, "work", 2);
  for (const char value : {'w', 'x'}) {
    fill(start(own), image_size, value);
    stop(own);
  }
  fill(start(own), image_size, 'y');
  own.abandon().get();
  EXPECT_TRUE(own.is_dirty());
  commit(root, 'b');
  expect_all(start(own), image_size, 'y');
  stop(own);
  expect_all(own.begin_export().get()->path(), image_size, 'y');
  EXPECT_EQ(count_revisions(own), 2u);
}

// --- Recovery, removal, questions

TEST_P(ReflinkSessionTest, recovery_takes_away_what_is_half_made_or_of_a_past_session) {
  auto& root = origin("debian");
  commit(root, 'a');
  auto& work = snapshot_of(root, "work");
  auto& scrap = volatile_volume("scrap");
  const auto before = files_in("vm-templates/debian");
  for (const char* name : {"root-import.img", "root.img.new", "root-dirty.img.new"})
    create_sparse(file("vm-templates/debian") / name, mebibytes(1));
  // A commit that was cut off when it had begun a revision.
  link_durably(file("vm-templates/debian/root.img"),
               file("vm-templates/debian/root.img.7@2026-01-01T00:00:00Z"));
  EXPECT_EQ(count_revisions(root), 1u) << "which is none";
  for (const char* name : {"work", "scrap"}) std::filesystem::create_directories(file("appvms") / name);
  create_sparse(file("appvms/work/root-dirty.img"), mebibytes(1));
  create_sparse(file("appvms/scrap/volatile-dirty.img"), mebibytes(1));
  const auto would = recover({&root, &work, &scrap}, true);
  EXPECT_EQ(would.size(), 6u);
  EXPECT_EQ(recover({&root, &work, &scrap}), would);
  EXPECT_EQ(files_in("vm-templates/debian"), before);
  EXPECT_EQ(files_in("appvms/work"), Names{});
  EXPECT_EQ(files_in("appvms/scrap"), Names{});
  EXPECT_EQ(recover({&root, &work, &scrap}), std::vector<std::string>{});
}

TEST_P(ReflinkSessionTest, recovery_finishes_a_grow_that_was_cut_off) {
  auto& root = origin("debian");
  const Path node = start(root);
  put(node, first_block, 'a');
  std::filesystem::resize_file(file("vm-templates/debian/root.img"), mebibytes(8).count);
  EXPECT_EQ(recover({&root}).size(), 1u);
  EXPECT_EQ(size_of(node), mebibytes(8));
  EXPECT_EQ(recover({&root}), std::vector<std::string>{});
  stop(root);
  EXPECT_EQ(root.size(), mebibytes(8));
}

TEST_P(ReflinkSessionTest, devices_of_no_volume_go) {
  auto& root = origin("debian");
  start(root);
  EXPECT_EQ(recover({}).size(), 1u);
  EXPECT_FALSE(root.is_running());
  discard(root);
}

TEST_P(ReflinkSessionTest, a_removed_volume_leaves_nothing) {
  auto& root = origin("debian", 3);
  for (const char value : {'a', 'b', 'c'}) commit(root, value);
  fill(start(root), image_size, 'd');
  root.abandon().get();
  create_sparse(file("vm-templates/debian/root-precache.img"), mebibytes(1));
  root.remove().get();
  EXPECT_FALSE(path_exists(file("vm-templates")));
}

TEST_P(ReflinkSessionTest, a_missing_or_torn_image_is_found) {
  auto& root = origin("debian");
  auto& work = snapshot_of(root, "work");
  root.verify();
  std::filesystem::resize_file(root.paths().path, 1000);
  for (auto* volume : {&root, &work}) {
    expect_error(ErrorKind::corrupt_image, [&] { volume->verify(); });
    expect_error(ErrorKind::corrupt_image, [&] { start(*volume); });
  }
  std::filesystem::remove(root.paths().path);
  for (auto* volume : {&root, &work}) {
    expect_error(ErrorKind::not_found, [&] { volume->verify(); });
    expect_error(ErrorKind::not_found, [&] { start(*volume); });
  }
  EXPECT_EQ(files_in("appvms/work"), Names{});
}

TEST_P(ReflinkSessionTest, its_layers_are_the_device_and_the_image_below) {
  auto& root = origin("debian");
  const Path node = start(root);
  const auto layers = root.layers();
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].node, node);
  EXPECT_EQ(layers[1].role, "image");
  EXPECT_EQ(layers[1].file, file("vm-templates/debian/root-dirty.img"));
  const auto backing = run_program({"losetup", "-nO", "BACK-FILE", layers[1].node.native()});
  EXPECT_EQ(lines_of(backing.out).at(0), layers[1].file.native());
  stop(root);
  EXPECT_TRUE(root.layers().empty());
}

TEST_P(ReflinkSessionTest, a_full_file_system_fails_a_start_and_leaves_it_stopped) {
  auto& root = origin("debian");
  commit(root, 'a');
  const auto before = files_in("vm-templates/debian");
  run_program({"sh", "-c", "cat /dev/zero > /mnt/ballast; sync"});
  const auto failure = error_of([&] { start(root); });
  if (failure) {
    EXPECT_EQ(failure->kind(), ErrorKind::no_space) << failure->message();
    EXPECT_EQ(files_in("vm-templates/debian"), before);
    EXPECT_FALSE(root.is_running());
  } else {
    stop(root);  // A few blocks were left: a start needs no more.
  }
  std::filesystem::remove("/mnt/ballast");
  expect_holds(root, image_size, 'a');
}

INSTANTIATE_TEST_SUITE_P(On, ReflinkSessionTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test
