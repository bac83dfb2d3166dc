// SPDX-License-Identifier: Apache-2.0
#include "layers/image_file.h"
#include "layers/base_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>

#include "base/error.h"
#include "support/errors.h"

namespace cowshed::layers {
namespace {

using test::expect_error;

class ImageFileTest : public ::testing::Test {
 protected:
  ImageFileTest() {
    std::string name = ::testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    directory_ = name;
  }
  ~ImageFileTest() override { std::filesystem::remove_all(directory_); }

  Path image() const { return directory_ / "image"; }
  Path content() const { return directory_ / "content"; }
  void make(Bytes size, const io::CopyProgress& progress = nullptr) {
    create_image(image(), size, content(), progress);
  }
  std::set<std::string> names() const {
    std::set<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      result.insert(entry.path().filename());
    return result;
  }

  Path directory_;
};

TEST_F(ImageFileTest, WithoutContentItIsZerosWithoutBlocks) {
  create_image(image(), mebibytes(100), std::nullopt, nullptr);
  const auto stat = stat_if_exists(image());
  EXPECT_EQ(stat->size, mebibytes(100));
  EXPECT_EQ(stat->allocated, Bytes{0});
}

TEST_F(ImageFileTest, ContentIsFollowedByZeros) {
  const std::string data(100'001, 'x');
  std::ofstream(content()) << data;
  make(mebibytes(1));
  EXPECT_EQ(read_file(image(), mebibytes(1)), data + std::string((1 << 20) - data.size(), '\0'));
}

TEST_F(ImageFileTest, HolesAndZerosOfTheContentTakeNoBlocks) {
  const Fd fd = create_sparse(content(), mebibytes(64));
  write_all(fd, std::string(4 << 20, '\0') + std::string(4096, 'x'), content());
  make(mebibytes(64));
  EXPECT_TRUE(read_file(image(), mebibytes(64)) == read_file(content(), mebibytes(64)));
  EXPECT_LE(stat_if_exists(image())->allocated, kibibytes(64));
}

TEST_F(ImageFileTest, TellsHowMuchIsCopied) {
  std::ofstream(content()) << std::string(3 << 20, 'x');
  Bytes told;
  make(mebibytes(4), [&](Bytes done) { told = done; });
  EXPECT_EQ(told, mebibytes(3));
}

TEST_F(ImageFileTest, ContentThatIsTooLongLeavesNothing) {
  std::ofstream(content()) << std::string(1025, 'x');
  expect_error(ErrorKind::invalid_argument, [&] { make(Bytes{1024}); });
  EXPECT_EQ(names(), std::set<std::string>{"content"});
}

TEST_F(ImageFileTest, AnInterruptionLeavesNothing) {
  std::ofstream(content()) << std::string(3 << 20, 'x');
  expect_error(ErrorKind::interrupted, [&] {
    make(mebibytes(4), [&](Bytes) {
      EXPECT_FALSE(path_exists(image())) << "it appears when it is whole";
      throw Error(ErrorKind::interrupted, "enough");
    });
  });
  EXPECT_EQ(names(), std::set<std::string>{"content"});
}

TEST_F(ImageFileTest, ContentThatIsNotThereLeavesNothing) {
  expect_error(ErrorKind::not_found, [&] { make(mebibytes(1)); });
  EXPECT_TRUE(names().empty());
}

TEST_F(ImageFileTest, AnImageThatExistsStays) {
  std::ofstream(image()) << "old";
  std::ofstream(content()) << "new";
  expect_error(ErrorKind::exists, [&] { make(mebibytes(1)); });
  EXPECT_EQ(read_file(image(), kibibytes(1)), "old");
}

TEST_F(ImageFileTest, WhatACreationThatWasCutOffLeftIsReplaced) {
  std::ofstream(half_made(image())) << "half of something else";
  std::ofstream(content()) << "whole";
  make(Bytes{512});
  EXPECT_EQ(read_file(image(), kibibytes(1)).substr(0, 6), std::string("whole\0", 6));
  EXPECT_EQ(names(), (std::set<std::string>{"content", "image"}));
}

}  // namespace
}  // namespace cowshed::layers
