// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>

#include "support/errors.h"

namespace cowshed {
namespace {

using test::error_of;
using test::expect_error;

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string name = ::testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    directory_ = name;
  }
  ~FileTest() override { std::filesystem::remove_all(directory_); }

  Path at(const char* name) const { return directory_ / name; }
  std::set<std::string> names() const {
    std::set<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      result.insert(entry.path().filename());
    return result;
  }

  Path directory_;
};

TEST_F(FileTest, ErrorsNameThePath) {
  const auto error = error_of([&] { open_file(at("nosuch"), O_RDONLY); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_NE(error->message().find(at("nosuch").native()), std::string::npos);
}

TEST_F(FileTest, DescriptorsAreClosedOnExec) {
  const Fd fd = open_file(at("a"), O_RDWR | O_CREAT);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileTest, OpenIfExistsTellsAbsenceFromFailure) {
  EXPECT_FALSE(open_if_exists(at("nosuch"), O_RDONLY));
  std::ofstream(at("a")) << "x";
  EXPECT_TRUE(open_if_exists(at("a"), O_RDONLY));
  EXPECT_TRUE(error_of([&] { open_if_exists(at("a") / "below", O_RDONLY); }));
}

TEST_F(FileTest, ReplaceLeavesOnlyTheNewContent) {
  replace_file(at("a"), "one");
  replace_file(at("a"), "two");
  EXPECT_EQ(read_file(at("a"), kibibytes(1)), "two");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(FileTest, ReplaceGoesOnOverALeftoverTemporary) {
  std::ofstream(at("a.new")) << "half";
  replace_file(at("a"), "whole");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(FileTest, ReadRefusesWhatIsTooLarge) {
  replace_file(at("a"), std::string(2000, 'x'));
  expect_error(ErrorKind::invalid_argument, [&] { read_file(at("a"), Bytes{1999}); });
  EXPECT_EQ(read_file(at("a"), Bytes{2000}).size(), 2000u);
}

TEST_F(FileTest, OnlyRegularFilesHaveAStat) {
  EXPECT_FALSE(stat_if_exists(at("nosuch")));
  expect_error(ErrorKind::corrupt_image, [&] { stat_if_exists(directory_); });
  std::filesystem::create_symlink("/etc/hostname", at("link"));
  expect_error(ErrorKind::corrupt_image, [&] { stat_if_exists(at("link")); });
}

TEST_F(FileTest, SparseFilesAreLargeAndEmpty) {
  const Fd fd = create_sparse(at("a"), gibibytes(10));
  const auto stat = stat_fd(fd, at("a"));
  EXPECT_EQ(stat.size, gibibytes(10));
  EXPECT_EQ(stat.allocated.count, 0u);
  expect_error(ErrorKind::exists, [&] { create_sparse(at("a"), Bytes{512}); });
}

TEST_F(FileTest, ASparseFileThatIsTooLargeLeavesNothing) {
  EXPECT_TRUE(error_of([&] { create_sparse(at("a"), Bytes{INT64_MAX}); }));
  EXPECT_TRUE(names().empty());
}

TEST_F(FileTest, FilesHaveTheirNameOnlyWhenTheyAreComplete) {
  create_complete(at("a"), kibibytes(4), [&](const Fd& fd) {
    EXPECT_EQ(stat_fd(fd, at("a")).size, kibibytes(4));
    EXPECT_TRUE(names().empty());
    write_all(fd, "filled", at("a"));
  });
  EXPECT_EQ(names(), std::set<std::string>{"a"});
  EXPECT_EQ(read_file(at("a"), kibibytes(4)).substr(0, 7), std::string("filled\0", 7));
  expect_error(ErrorKind::exists, [&] { create_sparse_durably(at("a"), Bytes{512}); });
  EXPECT_EQ(stat_if_exists(at("a"))->size, kibibytes(4)) << "the other one's file";
}

TEST_F(FileTest, FilesThatCannotBeFilledLeaveNothing) {
  expect_error(ErrorKind::no_space, [&] {
    create_complete(at("a"), kibibytes(4), [](const Fd&) { throw Error(ErrorKind::no_space, "full"); });
  });
  EXPECT_TRUE(names().empty());
}

TEST_F(FileTest, UnnamedFilesLeaveNoName) {
  const Fd fd = create_unnamed(directory_, mebibytes(1));
  EXPECT_EQ(stat_fd(fd, directory_).size, mebibytes(1));
  EXPECT_TRUE(names().empty());
}

TEST_F(FileTest, UnlinkTellsWhetherThereWasSomething) {
  replace_file(at("a"), "x");
  EXPECT_TRUE(unlink_durably(at("a")));
  EXPECT_FALSE(unlink_durably(at("a")));
  EXPECT_FALSE(unlink_if_exists(at("a")));
}

TEST_F(FileTest, DirectoriesAreMadeAndRemovedAsFarAsTheyAreEmpty) {
  make_directories(at("a") / "b" / "c");
  make_directories(at("a") / "b" / "c");
  replace_file(at("a") / "x", "x");
  remove_empty_directories(at("a") / "b" / "c", directory_);
  EXPECT_TRUE(path_exists(at("a") / "x"));
  EXPECT_FALSE(path_exists(at("a") / "b"));
  unlink_if_exists(at("a") / "x");
  remove_empty_directories(at("a"), directory_);
  EXPECT_TRUE(path_exists(directory_));
  EXPECT_TRUE(names().empty());
}

TEST_F(FileTest, ALinkToADirectoryStays) {
  make_directories(at("real"));
  std::filesystem::create_symlink(at("real"), at("link"));
  remove_empty_directories(at("link"), directory_);
  EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
  EXPECT_TRUE(path_exists(at("real")));
}

}  // namespace
}  // namespace cowshed
