// SPDX-License-Identifier: Apache-2.0
// Larger while it runs, smaller when it is asked for.
#include <filesystem>

#include "layers/base_files.h"
#include "support/content_fixture.h"

namespace cowshed::test {
namespace {

class ResizeTest : public ContentTest {
 protected:
  static constexpr Bytes larger = mebibytes(7) + Bytes{512};
};

TEST_P(ResizeTest, a_running_volume_grows_under_its_guest) {
  auto& root = origin("debian");
  const Path node = start(root);
  {
    const Fd guest = open_direct(node, O_RDWR);
    write_block(guest, first_block, 'a');
    resize(root, larger);
    EXPECT_EQ(size_of(node), larger);
    EXPECT_EQ(read_block(guest, first_block), 'a');
    EXPECT_EQ(read_block(guest, mebibytes(6)), 0);
    write_block(guest, mebibytes(6), 'b');
    write_block(guest, larger - Bytes{512}, 'c', Bytes{512});
  }
  stop(root);
  const Path again = start(root);
  EXPECT_EQ(size_of(again), larger);
  EXPECT_EQ(get(again, first_block), 'a');
  EXPECT_EQ(get(again, mebibytes(6)), 'b');
  stop(root);
}

TEST_P(ResizeTest, all_of_a_volume_that_grew_can_be_written) {
  auto& root = origin("debian");
  const Path node = start(root);
  fill(node, image_size, 'a');
  for (const Bytes size : {mebibytes(5), mebibytes(16), mebibytes(33)}) {
    resize(root, size);
    fill(node, size, 'b');
    expect_all(node, size, 'b');
  }
  stop(root);
  EXPECT_NO_THROW(root.verify());
  expect_holds(root, mebibytes(33), 'b');
}

TEST_P(ResizeTest, a_stopped_volume_grows) {
  auto& root = committed_origin("debian", 'a');
  resize(root, larger);
  EXPECT_EQ(root.size(), larger);
  const Path node = start(root);
  EXPECT_EQ(size_of(node), larger);
  EXPECT_EQ(get(node, first_block), 'a');
  EXPECT_EQ(get(node, mebibytes(6)), 0);
  stop(root);
}

TEST_P(ResizeTest, snapshots_that_run_keep_size_and_content_while_the_volume_grows_and_shrinks) {
  auto& root = committed_origin("debian", 'a');
  auto& before = snapshot_of(root, "before");
  start(before);
  {
    ContinuousReader reader(before.block_device()->node, image_size, 'a');
    const Path node = start(root);
    resize(root, larger);
    fill(node, larger, 'b');
    stop(root);
    EXPECT_TRUE(reader.saw_no_change());
    auto& grown = snapshot_of(root, "grown");
    expect_all(start(grown), larger, 'b');
    resize(root, mebibytes(1), true);
    expect_all(grown.block_device()->node, larger, 'b');
    stop(grown);
    expect_all(start(grown), mebibytes(1), 'b');
    stop(grown);
    EXPECT_TRUE(reader.saw_no_change());
    EXPECT_EQ(size_of(before.block_device()->node), image_size);
  }
  stop(before);
  expect_holds(root, mebibytes(1), 'b');
}

TEST_P(ResizeTest, an_interrupted_session_is_whole_after_a_grow) {
  auto& root = committed_origin("debian", 'a');
  fill(start(root), image_size, 'b');
  root.abandon().get();
  resize(root, larger);
  auto& app = snapshot_of(root, "work");
  EXPECT_EQ(get(start(app), first_block), 'a');
  stop(app);
  const Path node = start(root);
  EXPECT_EQ(size_of(node), larger);
  EXPECT_EQ(get(node, far_block), 'b');
  fill(node, larger, 'c');
  stop(root);
  expect_holds(root, larger, 'c');
}

TEST_P(ResizeTest, a_grow_that_was_cut_off_when_the_files_had_grown_is_finished_by_recovery) {
  auto& root = committed_origin("debian", 'a');
  auto& before = snapshot_of(root, "before");
  start(before);
  const Path node = start(root);
  const layers::BaseFiles files(scratch() / root.properties().vid.str());
  if (path_exists(files.overlay())) std::filesystem::resize_file(files.overlay(), mebibytes(16).count);
  std::filesystem::resize_file(files.image(), larger.count);
  pools::Volume* const all[] = {&root, &before};
  pool().recover(all, false);
  EXPECT_EQ(size_of(node), larger);
  fill(node, larger, 'b');
  EXPECT_EQ(size_of(before.block_device()->node), image_size);
  stop(root);
  expect_holds(root, larger, 'b');
  stop(before);
}

TEST_P(ResizeTest, a_size_that_comes_back_under_a_running_snapshot_is_that_of_the_next_one) {
  // What is cut off are zeros: the store that restores it holds no chunk.
  for (const char value : {'\0', 'a'}) {
    auto& root = origin(value == 0 ? "empty" : "full");
    if (value != 0) commit(root, value);
    resize(root, mebibytes(1), true);
    auto& before = snapshot_of(root, value == 0 ? "one" : "two");
    start(before);
    revert(root);
    EXPECT_TRUE(before.is_outdated());
    auto& after = snapshot_of(root, value == 0 ? "three" : "four");
    expect_all(start(after), image_size, value);
    EXPECT_EQ(size_of(before.block_device()->node), mebibytes(1));
    stop(before);
    stop(after);
  }
}

TEST_F(FilePoolTest, a_session_in_place_that_has_grown_is_dirty_and_its_commit_keeps_the_smaller_size) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  stop(root);
  const Path node = start(root);
  root.resize(mebibytes(8), false, nullptr).get();
  EXPECT_TRUE(root.is_dirty());
  put(node, mebibytes(7), 'b');
  root.abandon().get();
  EXPECT_TRUE(root.is_dirty());
  auto& app = snapshot_of(root, "work");
  EXPECT_ANY_THROW(get(start(app), mebibytes(7)));
  start(root);
  stop(root);
  EXPECT_FALSE(root.is_dirty());
  EXPECT_TRUE(app.is_outdated());
  stop(app);
  EXPECT_EQ(get(start(app), mebibytes(7)), 'b');
  stop(app);
  root.revert(std::nullopt, nullptr).get();
  EXPECT_EQ(root.size(), image_size);
}

TEST_P(ResizeTest, a_smaller_size_is_refused_unless_asked_for_and_while_it_runs_or_is_dirty) {
  auto& root = committed_origin("debian", 'a');
  expect_error(ErrorKind::invalid_argument, [&] { resize(root, mebibytes(1)); });
  start(root);
  expect_error(ErrorKind::running, [&] { resize(root, mebibytes(1), true); });
  put(root.block_device()->node, first_block, 'b');
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { resize(root, mebibytes(1), true); });
  start(root);
  stop(root);
  EXPECT_EQ(root.size(), image_size);
  EXPECT_EQ(get(start(root), first_block), 'b');
  stop(root);
}

TEST_P(ResizeTest, sizes_that_cannot_be_are_refused_and_change_nothing) {
  auto& root = committed_origin("debian", 'a');
  for (const Bytes size : {Bytes{0}, Bytes{513}, Bytes{1ULL << 62}})
    EXPECT_TRUE(error_of([&] { resize(root, size, true); }).has_value()) << size.count;
  expect_holds(root, image_size, 'a');
}

TEST_P(ResizeTest, the_same_size_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  const auto revision = root.revisions().at(0).id;
  resize(root, image_size);
  resize(root, image_size, true);
  EXPECT_EQ(root.revisions().at(0).id, revision);
  expect_holds(root, image_size, 'a');
}

TEST_P(ResizeTest, snapshots_and_read_only_volumes_cannot_be_resized) {
  auto& root = origin("debian");
  expect_error(ErrorKind::not_supported, [&] { resize(snapshot_of(root, "work"), larger); });
  auto p = properties("vm-templates/fixed/root");
  p.save_on_stop = true;
  p.rw = false;
  auto& fixed = add(p);
  fixed.create({}).get();
  expect_error(ErrorKind::invalid_argument, [&] { resize(fixed, larger); });
}

TEST_F(FilePoolTest, with_snapshots_off_a_running_volume_grows_too) {
  auto& root = origin("debian", -1);
  const Path node = start(root);
  put(node, first_block, 'a');
  root.resize(mebibytes(8), false, nullptr).get();
  put(node, mebibytes(7), 'b');
  stop(root);
  EXPECT_EQ(get(start(root), mebibytes(7)), 'b');
  stop(root);
}

TEST_F(FilePoolTest,
       a_volatile_volume_grows_while_it_runs_and_becomes_smaller_only_stopped_and_when_asked_for) {
  auto& scratch = add(properties("appvms/work/volatile"));
  const Path node = start(scratch);
  put(node, first_block, 'a');
  scratch.resize(mebibytes(8), false, nullptr).get();
  put(node, mebibytes(7), 'b');
  EXPECT_EQ(get(node, first_block), 'a');
  EXPECT_EQ(get(node, mebibytes(7)), 'b');
  expect_error(ErrorKind::running, [&] { scratch.resize(mebibytes(1), true, nullptr).get(); });
  stop(scratch);
  expect_error(ErrorKind::invalid_argument, [&] { scratch.resize(mebibytes(1), false, nullptr).get(); });
  EXPECT_NO_THROW(scratch.resize(mebibytes(1), true, nullptr).get());
}

INSTANTIATE_TEST_SUITE_P(, ResizeTest, both_policies, policy_name);

}  // namespace
}  // namespace cowshed::test
