// SPDX-License-Identifier: Apache-2.0
// What goes on beside the commit of an overlay session.
#include <future>

#include "support/content_fixture.h"

namespace cowshed::test {
namespace {

class CommitTest : public ContentTest {
 protected:
  /// What a commit is at: it still saves what it replaces, or it has begun to write the image.
  enum class Phase { saving, merging };

  /// Stops `root`; `during` is called once, in that phase.
  static void stop_and(pools::Volume& root, const std::function<void()>& during,
                       Phase phase = Phase::merging) {
    bool called = false;
    root.stop({.progress =
                   [&](const pools::Progress& progress) {
                     if (progress.can_stop != (phase == Phase::saving) || called) return;
                     called = true;
                     during();
                   }})
        .get();
    EXPECT_TRUE(called);
  }
};

TEST_P(CommitTest, a_snapshot_that_starts_during_the_merge_does_not_wait_and_sees_the_state_before) {
  auto& root = committed_origin("debian", 'a');
  fill(start(root), image_size, 'b');
  auto& during = snapshot_of(root, "during");
  stop_and(root, [&] {
    start(during);
    expect_all(during.block_device()->node, image_size, 'a');
  });
  expect_all(during.block_device()->node, image_size, 'a');
  EXPECT_TRUE(during.is_outdated());
  stop(during);
  expect_all(start(during), image_size, 'b');
  stop(during);
}

TEST_P(CommitTest, one_that_runs_sees_no_changed_byte_during_the_merge) {
  auto& root = committed_origin("debian", 'a');
  auto& app = snapshot_of(root, "work");
  ContinuousReader reader(start(app), image_size, 'a');
  fill(start(root), image_size, 'b');
  stop_and(root, [&] { EXPECT_TRUE(reader.saw_no_change()); });
  EXPECT_TRUE(reader.saw_no_change());
}

TEST_P(CommitTest, one_that_starts_beside_others_while_what_is_replaced_is_saved_sees_the_state_before) {
  auto& root = committed_origin("debian", 'a');
  auto& runs = snapshot_of(root, "runs");
  start(runs);
  fill(start(root), image_size, 'b');
  auto& during = snapshot_of(root, "during");
  stop_and(
      root,
      [&] {
        during.check_start();
        start(during);
      },
      Phase::saving);
  expect_all(during.block_device()->node, image_size, 'a');
  expect_all(runs.block_device()->node, image_size, 'a');
  stop(during);
  stop(runs);
}

TEST_P(CommitTest, where_there_is_no_frozen_state_a_start_waits_for_the_new_one) {
  auto& root = origin("debian", 0);
  commit(root, 'a');
  fill(start(root), image_size, 'b');
  auto& during = snapshot_of(root, "during");
  std::future<Path> started;
  stop_and(root, [&] { started = std::async(std::launch::async, [&] { return start(during); }); });
  expect_all(started.get(), image_size, 'b');
  stop(during);
}

TEST_P(CommitTest, what_a_watch_throws_before_the_merge_takes_the_commit_back_and_the_session_runs_on) {
  auto& root = committed_origin("debian", 'a');
  const Path node = start(root);
  fill(node, image_size, 'b');
  expect_error(ErrorKind::interrupted, [&] {
    root.stop({.progress =
                   [](const pools::Progress& progress) {
                     if (progress.can_stop) throw Error(ErrorKind::interrupted, "enough");
                   }})
        .get();
  });
  ASSERT_TRUE(root.is_running());
  expect_all(root.block_device()->node, image_size, 'b');
  auto& app = snapshot_of(root, "work");
  expect_all(start(app), image_size, 'a');
  stop(app);
  stop(root);
  expect_holds(root, image_size, 'b');
}

INSTANTIATE_TEST_SUITE_P(, CommitTest, testing::Values(pools::WritePolicy::overlay), policy_name);

}  // namespace
}  // namespace cowshed::test
