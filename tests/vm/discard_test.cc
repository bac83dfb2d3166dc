// SPDX-License-Identifier: Apache-2.0
// What guests discard (fstrim): who may, what it frees, and what it must not touch.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "support/file_pool_fixture.h"

namespace cowshed::test {
namespace {

class DiscardTest : public FilePoolTest {
 protected:
  /// What fstrim sends: 0 or the errno.
  static int discard(const Path& node, Bytes at, Bytes length) {
    const Fd fd = open_direct(node, O_RDWR);
    std::uint64_t range[2] = {at.count, length.count};
    return ::ioctl(fd.get(), BLKDISCARD, range) == 0 ? 0 : errno;
  }
  [[nodiscard]] Bytes free_space() const {
    struct statvfs fs {};
    EXPECT_EQ(::statvfs(scratch().c_str(), &fs), 0);
    return {fs.f_bfree * fs.f_frsize};
  }
  static void fill(const Path& node, char value) {
    for (Bytes at; at < mebibytes(4); at = at + kibibytes(64))
      write_block(open_direct(node, O_RDWR), at, value, kibibytes(64));
  }
  pools::Volume& overlay(const std::string& name, std::optional<int> revisions = std::nullopt) {
    auto p = properties("vm-templates/" + name + "/root");
    p.save_on_stop = true;
    p.revisions_to_keep = revisions;
    p.write_policy = pools::WritePolicy::overlay;
    auto& volume = add(p);
    volume.create({}).get();
    return volume;
  }
};

TEST_F(DiscardTest, a_snapshot_that_is_discarded_reads_zeros_where_it_wrote_and_touches_nothing_below) {
  auto& root = origin("debian");
  const Path template_node = start(root);
  for (const Bytes at : {first_block, far_block}) put(template_node, at, 'a');
  stop(root);
  auto& one = snapshot_of(root, "one");
  auto& two = snapshot_of(root, "two");
  const Path node = start(one);
  start(two);
  put(node, first_block, 'x');
  EXPECT_EQ(discard(node, Bytes{0}, image_size), 0);
  EXPECT_EQ(get(node, first_block), 0);
  EXPECT_EQ(get(node, far_block), 'a');
  EXPECT_EQ(get(two.block_device()->node, first_block), 'a');
  stop(one);
  stop(two);
  const Path again = start(root);
  for (const Bytes at : {first_block, far_block}) EXPECT_EQ(get(again, at), 'a');
  stop(root);
}

TEST_F(DiscardTest, a_discard_of_a_session_in_place_is_refused) {
  auto& root = origin("debian");
  const Path node = start(root);
  put(node, first_block, 'a');
  EXPECT_EQ(discard(node, Bytes{0}, image_size), EOPNOTSUPP);
  EXPECT_EQ(get(node, first_block), 'a');
  stop(root);
}

TEST_F(DiscardTest,
       what_an_overlay_session_discards_reads_as_zeros_and_stays_in_the_committed_state_until_the_commit) {
  auto& root = overlay("debian");
  fill(start(root), 'a');
  stop(root);
  const Path node = start(root);
  put(node, first_block, 'b');
  EXPECT_EQ(discard(node, Bytes{0}, kibibytes(64)), 0);
  EXPECT_EQ(get(node, first_block), 0);
  auto& app = snapshot_of(root, "work");
  EXPECT_EQ(get(start(app), first_block), 'a');
  stop(root);
  EXPECT_EQ(get(app.block_device()->node, first_block), 'a');
  EXPECT_EQ(get(start(root), first_block), 0);
  for (auto* volume : {&app, &root}) stop(*volume);
}

TEST_F(DiscardTest, what_an_overlay_session_wrote_and_discarded_is_free_in_the_image_after_the_commit) {
  auto& root = overlay("debian", 0);
  fill(start(root), 'a');
  stop(root);
  const auto used = stat_if_exists(root.paths().path)->allocated;
  ASSERT_GE(used, mebibytes(4));
  const Path node = start(root);
  for (Bytes at; at < mebibytes(2); at = at + kibibytes(64))
    write_block(open_direct(node, O_RDWR), at, 'b', kibibytes(64));
  EXPECT_EQ(discard(node, Bytes{0}, mebibytes(2)), 0);
  stop(root);
  EXPECT_LE(stat_if_exists(root.paths().path)->allocated, mebibytes(2) + kibibytes(64));
  EXPECT_EQ(get(start(root), first_block), 0);
  EXPECT_EQ(get(root.block_device()->node, far_block), 'a');
  stop(root);
}

TEST_F(DiscardTest, a_commit_leaves_a_sparse_image_sparse_where_only_the_kernel_copied_zeros) {
  auto& root = overlay("debian", 0);
  put(start(root), first_block, 'a');
  stop(root);
  const auto used = stat_if_exists(root.paths().path)->allocated;
  const Path node = start(root);
  // Of a chunk of 64 KiB one block is written; the kernel copies the others.
  put(node, far_block, 'b');
  stop(root);
  EXPECT_EQ(stat_if_exists(root.paths().path)->allocated, used + kibibytes(4));
  EXPECT_EQ(get(start(root), far_block), 'b');
  stop(root);
}

TEST_F(DiscardTest, a_revert_of_a_session_in_place_gives_back_what_was_a_hole) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  stop(root);
  const auto used = stat_if_exists(root.paths().path)->allocated;
  fill(start(root), 'b');
  stop(root);
  ASSERT_GE(stat_if_exists(root.paths().path)->allocated, mebibytes(4));
  root.revert(std::nullopt, nullptr).get();
  EXPECT_LE(stat_if_exists(root.paths().path)->allocated, used + kibibytes(64));
  EXPECT_EQ(get(start(root), first_block), 'a');
  stop(root);
}

TEST_F(DiscardTest, what_a_snapshot_discards_is_free_on_the_file_system_at_once) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  const Path node = start(app);
  const Bytes before = free_space();
  fill(node, 'x');
  ::sync();
  const Bytes full = free_space();
  ASSERT_LE(full + mebibytes(3), before);
  EXPECT_EQ(discard(node, Bytes{0}, mebibytes(4)), 0);
  ::sync();
  EXPECT_GE(free_space(), full + mebibytes(3));
  stop(app);
}

}  // namespace
}  // namespace cowshed::test
