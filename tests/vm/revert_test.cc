// SPDX-License-Identifier: Apache-2.0
// Going back to a revision.
#include "support/content_fixture.h"

namespace cowshed::test {
namespace {

class RevertTest : public ContentTest {};

TEST_P(RevertTest, a_revert_brings_back_what_the_last_commit_replaced_and_a_second_one_undoes_it) {
  auto& root = committed_origin("debian", 'a');
  commit(root, 'b');
  for (const char value : {'a', 'b', 'a'}) {
    revert(root);
    EXPECT_FALSE(root.is_dirty());
    expect_holds(root, image_size, value);
  }
}

TEST_P(RevertTest, one_that_was_cut_off_can_be_undone_although_no_revisions_are_wanted_any_more) {
  auto& root = committed_origin("debian", 'a');
  commit(root, 'b');
  auto p = root.properties();
  p.revisions_to_keep = 0;
  auto& without = add(p);
  // Decided, and no further (docs/commit.md).
  const std::string stem = (scratch() / p.vid.str()).native();
  link_durably(stem + "-cow.img.old", stem + "-commit.img");
  const std::vector<pools::Volume*> all{&without};
  EXPECT_TRUE(pool().recover(all, false).complete);
  expect_all(start(without), image_size, 'a');
  without.abandon().get();
  ASSERT_EQ(without.revisions().size(), 1u);
  revert(without);
  expect_holds(without, image_size, 'b');
}

TEST_P(RevertTest, it_brings_back_chunks_that_were_never_written_before) {
  auto& root = origin("debian");
  put(start(root), far_block, 'a');
  stop(root);
  revert(root);
  expect_holds(root, image_size, 0);
  revert(root);
  EXPECT_EQ(get(start(root), far_block), 'a');
  stop(root);
}

TEST_P(RevertTest, the_size_goes_back_too) {
  auto& root = committed_origin("debian", 'a');
  const Bytes larger = mebibytes(6);
  resize(root, larger);
  revert(root);
  expect_holds(root, image_size, 0);
  revert(root);
  const Path node = start(root);
  EXPECT_EQ(size_of(node), larger);
  EXPECT_EQ(get(node, first_block), 'a');
  EXPECT_EQ(get(node, mebibytes(5)), 0);
  stop(root);
}

TEST_P(RevertTest, what_snapshots_saw_before_the_commit_of_a_session_that_grew_comes_back) {
  auto& root = committed_origin("debian", 'a');
  start(root);
  resize(root, mebibytes(6));
  auto& app = snapshot_of(root, "work");
  const Bytes seen = size_of(start(app));
  stop(app);
  fill(root.block_device()->node, mebibytes(6), 'b');
  stop(root);
  revert(root);
  EXPECT_EQ(root.size(), seen);
  const Path node = start(app);
  EXPECT_EQ(size_of(node), seen);
  EXPECT_EQ(get(node, far_block), 'a');
  for (Bytes at = mebibytes(5); at < seen; at = at + kibibytes(512)) EXPECT_EQ(get(node, at), 0);
  stop(app);
  revert(root);
  expect_holds(root, mebibytes(6), 'b');
}

TEST_P(RevertTest, a_shrink_is_undone_with_all_that_it_cut_off) {
  auto& root = committed_origin("debian", 'a');
  const Bytes smaller = mebibytes(1) + Bytes{512};
  resize(root, smaller, true);
  expect_holds(root, smaller, 'a');
  revert(root);
  expect_holds(root, image_size, 'a');
  revert(root);
  expect_holds(root, smaller, 'a');
}

TEST_P(RevertTest, running_snapshots_see_no_changed_byte) {
  auto& root = origin("debian");
  expect_unseen_by_snapshots(root, [&] {
    for (int i = 0; i < 6; ++i) {
      revert(root);
      ASSERT_LE(count_views(), 3u);
    }
  });
  expect_holds(root, image_size, 'b');
}

TEST_P(RevertTest, without_a_revision_it_is_refused) {
  auto& root = origin("debian");
  expect_error(ErrorKind::not_found, [&] { revert(root); });
  auto& unkept = origin("unkept", 0);
  commit(unkept, 'a');
  expect_error(ErrorKind::not_found, [&] { revert(unkept); });
  expect_holds(unkept, image_size, 'a');
}

TEST_P(RevertTest, an_unknown_revision_is_refused_naming_the_one_there_is) {
  auto& root = committed_origin("debian", 'a');
  const auto known = root.revisions().at(0).id;
  const auto refusal = error_of([&] { root.revert("yesterday", nullptr).get(); });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::not_found);
  EXPECT_NE(refusal->message().find(known), std::string::npos) << refusal->message();
  root.revert(known, nullptr).get();
  expect_holds(root, image_size, 0);
}

TEST_P(RevertTest, running_or_dirty_it_is_refused_and_nothing_is_lost) {
  auto& root = committed_origin("debian", 'a');
  fill(start(root), image_size, 'b');
  expect_error(ErrorKind::running, [&] { revert(root); });
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { revert(root); });
  expect_all(start(root), image_size, 'b');
  stop(root);
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(RevertTest, a_damaged_revision_is_refused_and_kept) {
  auto& root = committed_origin("debian", 'a');
  commit(root, 'b');
  const Path revision = root.paths().path_cow.native() + ".old";
  write_all(open_file(revision, O_WRONLY), "garbage", revision);
  expect_error(ErrorKind::corrupt_image, [&] { revert(root); });
  EXPECT_TRUE(path_exists(revision));
  EXPECT_FALSE(root.is_dirty());
  expect_holds(root, image_size, 'b');
}

INSTANTIATE_TEST_SUITE_P(, RevertTest, both_policies, policy_name);

}  // namespace
}  // namespace cowshed::test
