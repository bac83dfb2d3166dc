// SPDX-License-Identifier: Apache-2.0
#include "pools/images/shared_directories.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <optional>

#include "base/error.h"

namespace cowshed::pools::images {
namespace {

class SharedDirectoriesTest : public ::testing::Test {
 protected:
  SharedDirectoriesTest() {
    std::string name = ::testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    top_ = name;
    directory_ = top_ / "appvms" / "work";
    make_directories(directory_);
  }
  ~SharedDirectoriesTest() override { std::filesystem::remove_all(top_); }

  Path top_, directory_;
};

TEST_F(SharedDirectoriesTest, TheLastUserTakesTheEmptyDirectoryAndItsParentsAway) {
  SharedDirectories all(top_);
  std::optional<SharedDirectories::Use> one(std::in_place, all, directory_),
      two(std::in_place, all, directory_);
  one.reset();
  EXPECT_TRUE(path_exists(directory_));
  two.reset();
  EXPECT_FALSE(path_exists(top_ / "appvms"));
  EXPECT_TRUE(path_exists(top_));
}

TEST_F(SharedDirectoriesTest, WhatIsNotEmptyStays) {
  SharedDirectories all(top_);
  std::ofstream(directory_ / "private.img") << "x";
  { const SharedDirectories::Use use(all, directory_); }
  EXPECT_TRUE(path_exists(directory_ / "private.img"));
}

TEST_F(SharedDirectoriesTest, UsersOfAnotherDirectoryDoNotCount) {
  SharedDirectories all(top_);
  const SharedDirectories::Use other(all, top_ / "appvms" / "mail");
  { const SharedDirectories::Use use(all, directory_); }
  EXPECT_FALSE(path_exists(directory_));
}

}  // namespace
}  // namespace cowshed::pools::images
