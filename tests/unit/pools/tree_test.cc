// SPDX-License-Identifier: Apache-2.0
#include "pools/tree.h"

#include <gtest/gtest.h>

namespace cowshed::pools {
namespace {

using Role = TreeFile::Role;

void expect_file(const std::string& name, const std::string& volume, Role role,
                 std::optional<TreeKind> kind) {
  const auto file = parse_tree_file(name);
  ASSERT_TRUE(file.has_value()) << name;
  EXPECT_EQ(file->volume, volume) << name;
  EXPECT_EQ(file->role, role) << name;
  EXPECT_EQ(file->kind, kind) << name;
}

TEST(TreeFileTest, EachFileOfAFilePoolIsKnownByItsName) {
  expect_file("root.img", "root", Role::image, std::nullopt);
  expect_file("root-cow.img", "root", Role::session, TreeKind::layers);
  expect_file("root-cow.img.old", "root", Role::revision, TreeKind::layers);
  expect_file("root-overlay.img", "root", Role::session, TreeKind::layers);
  expect_file("root-dirty", "root", Role::session, TreeKind::layers);
  expect_file("root-commit-cow.img", "root", Role::unfinished, TreeKind::layers);
  expect_file("root-import.img", "root", Role::unfinished, std::nullopt);
  expect_file("root.img.new", "root", Role::spare, TreeKind::layers);
  expect_file("my-data.img", "my-data", Role::image, std::nullopt);
}

TEST(TreeFileTest, EachFileOfAReflinkPoolIsKnownByItsName) {
  expect_file("root-dirty.img", "root", Role::session, TreeKind::reflink);
  expect_file("root.img.12@2024-05-01T10:00:00Z", "root", Role::revision, TreeKind::reflink);
  expect_file("root-precache.img", "root", Role::spare, TreeKind::reflink);
}

TEST(TreeFileTest, OtherFilesAreNobodys) {
  for (const char* name : {"", ".img", "-cow.img", "icon.png", "firewall.xml", "root.img.old", "root.img~x",
                           "root.img.x@2024Z", "root.img.@2024Z", "root.img.1", ".img.1@2024Z", "root.IMG"})
    EXPECT_EQ(parse_tree_file(name).has_value() && parse_tree_file(name)->volume.empty(), false) << name;
  for (const char* name : {"", ".img", "icon.png", "firewall.xml", "root.img.old", "root.img~x", "root.IMG"})
    EXPECT_FALSE(parse_tree_file(name).has_value()) << name;
}

}  // namespace
}  // namespace cowshed::pools
