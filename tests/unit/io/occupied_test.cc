// SPDX-License-Identifier: Apache-2.0
#include "io/occupied.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "io/sharing.h"

namespace cowshed::io {
namespace {

class OccupiedTest : public testing::Test {
 protected:
  static Path make_directory() {
    std::string name = testing::TempDir() + "cowshed-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  ~OccupiedTest() override { std::filesystem::remove_all(directory_); }

  /// A file with so many MiB of data at the beginning and as many behind a hole.
  Path two_stretches(const std::string& name, std::uint64_t each) {
    Path file = directory_ / name;
    const Fd fd = create_sparse(file, mebibytes(64));
    const std::string data(mebibytes(each).count, 'x');
    for (const off_t at : {off_t{0}, off_t{32 << 20}})
      EXPECT_EQ(::pwrite(fd.get(), data.data(), data.size(), at), static_cast<ssize_t>(data.size()));
    sync_file(fd, file);
    return file;
  }

  const Path directory_ = make_directory();
};

TEST_F(OccupiedTest, holes_take_nothing_and_data_what_it_is_long) {
  const std::array files{two_stretches("a", 2), two_stretches("b", 1)};
  EXPECT_EQ(occupied(files), mebibytes(6));
}

TEST_F(OccupiedTest, what_several_have_is_counted_once) {
  const Path file = two_stretches("a", 2);
  std::filesystem::create_hard_link(file, directory_ / "b");
  EXPECT_EQ(occupied(std::array{file, directory_ / "b"}), mebibytes(4));
}

TEST_F(OccupiedTest, what_is_not_there_takes_nothing) {
  EXPECT_EQ(occupied(std::array{directory_ / "missing"}), Bytes{0});
}

TEST_F(OccupiedTest, many_extents_are_all_seen) {
  const Path file = directory_ / "a";
  const Fd fd = create_sparse(file, mebibytes(64));
  const std::string block(4096, 'x');
  constexpr off_t count = 2000, apart = 16384;
  for (off_t at = 0; at < count * apart; at += apart)
    ASSERT_EQ(::pwrite(fd.get(), block.data(), 4096, at), 4096);
  sync_file(fd, file);
  EXPECT_EQ(occupied(std::array{file}), Bytes{block.size() * count});
}

TEST_F(OccupiedTest, trying_whether_extents_can_be_shared_leaves_nothing) {
  static_cast<void>(can_share_in(directory_));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
  EXPECT_ANY_THROW(can_share_in(directory_ / "missing"));
}

}  // namespace
}  // namespace cowshed::io
