// SPDX-License-Identifier: Apache-2.0
// What a snapshot sees becomes its source's committed state.
#include <map>

#include "support/content_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes second_block = mebibytes(1);
constexpr Bytes third_block = mebibytes(3);

class PromoteTest : public ContentTest {
 protected:
  using Blocks = std::map<Bytes, char>;

  pools::Volume& keeping_snapshot_of(pools::Volume& source, const std::string& name) {
    auto p = properties("appvms/" + name + "/root");
    p.snap_on_start = true;
    p.keep_changes = true;
    return add(p, &source);
  }
  static void promote(pools::Volume& volume) { volume.promote(nullptr).get(); }
  static void put_all(const Path& node, const Blocks& blocks) {
    for (const auto& [at, value] : blocks) put(node, at, value);
  }
  static void expect_blocks(const Path& node, const Blocks& blocks) {
    for (const auto& [at, value] : blocks) EXPECT_EQ(get(node, at), value) << "at " << at.count;
  }
  /// In a session of its own.
  void commit_blocks(pools::Volume& volume, const Blocks& blocks) {
    put_all(start(volume), blocks);
    stop(volume);
  }
  void expect_state(pools::Volume& volume, const Blocks& blocks) {
    expect_blocks(start(volume), blocks);
    stop(volume);
  }
  static Path kept_store(pools::Volume& volume) { return volume.paths().path_cow; }
};

TEST_P(PromoteTest, what_a_stopped_snapshot_has_changed_becomes_the_sources_state_and_can_be_reverted) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  put_all(start(app), {{first_block, 'x'}, {far_block, 'y'}});
  stop(app);
  EXPECT_GT(app.usage(), Bytes{0});
  promote(app);
  EXPECT_FALSE(path_exists(kept_store(app)));
  EXPECT_FALSE(root.is_dirty());
  expect_state(root, {{first_block, 'x'}, {second_block, 'a'}, {far_block, 'y'}});
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(PromoteTest, a_running_snapshot_is_promoted_with_what_its_guest_has_written_and_runs_on) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  const Path node = start(app);
  put(node, first_block, 'x');
  promote(app);
  EXPECT_TRUE(app.is_outdated());
  put(node, second_block, 'y');
  expect_blocks(node, {{first_block, 'x'}, {second_block, 'y'}, {far_block, 'a'}});
  expect_state(root, {{first_block, 'x'}, {second_block, 'a'}, {far_block, 'a'}});
  promote(app);
  stop(app);
  expect_state(root, {{first_block, 'x'}, {second_block, 'y'}, {far_block, 'a'}});
}

TEST_P(PromoteTest, what_was_committed_since_it_started_is_what_the_snapshot_sees_again) {
  for (const bool is_running : {true, false}) {
    auto& root = origin(is_running ? "running" : "stopped");
    commit_blocks(root, {{first_block, 'a'}, {second_block, 'a'}, {far_block, 'a'}});
    auto& app = keeping_snapshot_of(root, is_running ? "one" : "two");
    put(start(app), first_block, 'x');
    commit_blocks(root, {{first_block, 'b'}, {second_block, 'b'}});
    commit_blocks(root, {{second_block, 'c'}, {third_block, 'c'}});
    if (!is_running) stop(app);
    promote(app);
    expect_state(root, {{first_block, 'x'}, {second_block, 'a'}, {far_block, 'a'}, {third_block, 0}});
    revert(root);
    expect_state(root, {{first_block, 'b'}, {second_block, 'c'}, {far_block, 'a'}, {third_block, 'c'}});
    if (is_running) stop(app);
  }
}

TEST_P(PromoteTest, a_source_whose_image_was_replaced_becomes_what_the_snapshot_sees) {
  for (const bool is_running : {true, false}) {
    auto& root = origin(is_running ? "running" : "stopped");
    commit(root, 'a');
    auto& app = keeping_snapshot_of(root, is_running ? "one" : "two");
    put(start(app), far_block, 'x');
    const Bytes smaller = mebibytes(3);
    root.import_file(file_of(is_running ? "one" : "two", smaller, 'b'), nullptr).get();
    if (!is_running) stop(app);
    promote(app);
    if (is_running) stop(app);
    EXPECT_EQ(root.size(), image_size);
    expect_state(root, {{first_block, 'a'}, {far_block, 'x'}, {third_block, 'a'}});
    revert(root);
    expect_holds(root, smaller, 'b');
  }
}

TEST_P(PromoteTest, the_source_gets_the_size_that_the_snapshot_has) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  put(start(app), first_block, 'x');
  commit_blocks(root, {{second_block, 'b'}});
  resize(root, mebibytes(8));
  stop(app);
  promote(app);
  EXPECT_EQ(root.size(), image_size);
  expect_state(root, {{first_block, 'x'}, {second_block, 'a'}, {far_block, 'a'}});
  revert(root);
  EXPECT_EQ(root.size(), mebibytes(8));
}

TEST_P(PromoteTest, other_snapshots_that_run_see_no_changed_byte) {
  auto& root = origin("debian");
  auto& app = keeping_snapshot_of(root, "work");
  expect_unseen_by_snapshots(root, [&] {
    const Path node = start(app);
    for (const char value : {'x', 'y', 'z'}) {
      fill(node, mebibytes(2), value);
      promote(app);
      EXPECT_EQ(get(node, first_block), value);
    }
  });
  stop(app);
  expect_state(root, {{first_block, 'z'}, {second_block, 'z'}, {far_block, 'b'}});
}

TEST_P(PromoteTest, while_the_source_runs_or_is_dirty_it_is_refused_and_the_changes_stay) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  put(start(app), first_block, 'x');
  stop(app);
  start(root);
  expect_error(ErrorKind::running, [&] { promote(app); });
  stop(root);
  put(start(root), second_block, 'b');
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { promote(app); });
  EXPECT_TRUE(path_exists(kept_store(app)));
  expect_state(root, {{first_block, 'a'}, {second_block, 'b'}});
}

TEST_P(PromoteTest, changes_of_a_state_that_the_source_no_longer_holds_are_refused) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  put(start(app), first_block, 'x');
  stop(app);
  // A session that changes nothing is no new state.
  start(root);
  stop(root);
  auto& other = keeping_snapshot_of(root, "other");
  put(start(other), first_block, 'y');
  stop(other);
  commit_blocks(root, {{second_block, 'b'}});
  for (auto* volume : {&app, &other}) expect_error(ErrorKind::in_use, [&] { promote(*volume); });
  expect_state(root, {{first_block, 'a'}, {second_block, 'b'}});
}

TEST_P(PromoteTest, of_two_snapshots_only_the_first_can_be_promoted) {
  auto& root = committed_origin("debian", 'a');
  auto& one = keeping_snapshot_of(root, "one");
  auto& two = keeping_snapshot_of(root, "two");
  for (auto* volume : {&one, &two}) {
    put(start(*volume), first_block, volume == &one ? '1' : '2');
    stop(*volume);
  }
  promote(one);
  expect_error(ErrorKind::in_use, [&] { promote(two); });
  expect_state(root, {{first_block, '1'}});
}

TEST_P(PromoteTest, stopped_while_the_source_runs_it_can_be_promoted_only_where_that_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  start(root);
  put(start(app), first_block, 'x');
  stop(app);
  put(root.block_device()->node, second_block, 'b');
  stop(root);
  expect_error(ErrorKind::in_use, [&] { promote(app); });
  expect_state(root, {{first_block, 'a'}, {second_block, 'b'}});
}

TEST_P(PromoteTest, changes_begin_anew_with_each_start_and_go_where_they_are_discarded) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  expect_error(ErrorKind::not_found, [&] { promote(app); });
  put(start(app), first_block, 'x');
  stop(app);
  const Path node = start(app);
  EXPECT_EQ(get(node, first_block), 'a');
  put(node, second_block, 'y');
  stop(app);
  promote(app);
  expect_state(root, {{first_block, 'a'}, {second_block, 'y'}});
  put(start(app), first_block, 'z');
  app.stop({.discard = true}).get();
  pool().finish();
  expect_error(ErrorKind::not_found, [&] { promote(app); });
  EXPECT_FALSE(path_exists(kept_store(app)));
}

TEST_P(PromoteTest, what_was_written_before_a_crash_can_be_promoted) {
  auto& root = committed_origin("debian", 'a');
  auto& app = keeping_snapshot_of(root, "work");
  const Path node = start(app);
  put(node, first_block, 'x');
  for (const auto& device : layers::list_devices(control(), "COWSHED-"))
    if (device.role == layers::Role::snapshot) control().remove(device.uuid);
  promote(app);
  expect_state(root, {{first_block, 'x'}, {second_block, 'a'}});
}

TEST_P(PromoteTest, a_snapshot_that_has_changed_nothing_leaves_source_and_revision_alone) {
  auto& root = committed_origin("debian", 'a');
  commit(root, 'b');
  auto& app = keeping_snapshot_of(root, "work");
  start(app);
  stop(app);
  promote(app);
  expect_holds(root, image_size, 'b');
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(PromoteTest, only_a_snapshot_that_keeps_its_changes_has_something_to_promote) {
  auto& root = origin("debian");
  expect_error(ErrorKind::not_supported, [&] { promote(root); });
  auto& app = snapshot_of(root, "work");
  start(app);
  expect_error(ErrorKind::invalid_argument, [&] { promote(app); });
  stop(app);
  EXPECT_FALSE(path_exists(kept_store(app)));
}

TEST_P(PromoteTest, the_whole_of_a_snapshot_rewritten_is_kept_and_promoted) {
  auto& root = origin("debian", 0);
  commit(root, 'a');
  auto& app = keeping_snapshot_of(root, "work");
  fill(start(app), image_size, 'x');
  stop(app);
  app.verify();
  promote(app);
  EXPECT_TRUE(root.revisions().empty());
  expect_holds(root, image_size, 'x');
}

INSTANTIATE_TEST_SUITE_P(Policies, PromoteTest, both_policies, policy_name);

}  // namespace
}  // namespace cowshed::test
