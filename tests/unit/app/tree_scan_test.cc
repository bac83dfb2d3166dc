// SPDX-License-Identifier: Apache-2.0
#include "app/tree_scan.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "support/errors.h"

namespace cowshed::app {
namespace {

using pools::TreeKind;
using Role = pools::TreeFile::Role;

class TreeScanTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string directory = testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) throw Error::from_errno(errno, "create " + directory);
    top_ = directory;
    image("vm-templates/debian/root.img");
    image("appvms/work/private.img");
  }
  void TearDown() override { std::filesystem::remove_all(top_); }

  Path image(const Path& name, std::uint64_t size = 4096) const {
    std::filesystem::create_directories((top_ / name).parent_path());
    create_sparse(top_ / name, Bytes{size});
    return top_ / name;
  }
  std::vector<FoundVm> scan(const TreePart& part = {}, TreeKind kind = TreeKind::layers) const {
    return scan_tree({top_, kind}, part);
  }
  /// With `path`, and nothing that a terminal would obey.
  void expect_refused(const Path& path, const std::string& part,
                      ErrorKind kind = ErrorKind::invalid_argument) const {
    const auto error = test::error_of([&] { scan(); });
    ASSERT_TRUE(error.has_value()) << path;
    EXPECT_EQ(error->kind(), kind) << error->message();
    EXPECT_NE(error->message().find("'" + path.native() + "'"), std::string::npos) << error->message();
    EXPECT_NE(error->message().find(part), std::string::npos) << error->message();
    for (const char c : error->message()) EXPECT_FALSE(std::iscntrl(static_cast<unsigned char>(c)));
  }
  [[nodiscard]] const Path& top() const { return top_; }

 private:
  Path top_;
};

TEST_F(TreeScanTest, TemplatesComeFirstWithTheFilesOfTheirVolumes) {
  image("vm-templates/debian/root-cow.img.old");
  image("vm-templates/debian/firewall.xml");
  image("servicevms/net/private.img");
  std::filesystem::create_directories(top() / "vm-templates/debian/apps");
  std::filesystem::create_symlink("/usr/share/icon.png", top() / "vm-templates/debian/icon.png");
  const auto found = scan();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].name.str(), "debian");
  EXPECT_EQ(found[2].subdirectory, "servicevms");
  ASSERT_EQ(found[0].files.size(), 2U);
  EXPECT_EQ(found[0].files[0].is.role, Role::revision);
  EXPECT_EQ(found[0].files[1].size, Bytes{4096});
  EXPECT_EQ(found[0].others.size(), 3U);
  EXPECT_NE(found[0].image("root"), nullptr);
  EXPECT_EQ(found[0].image("private"), nullptr);
}

TEST_F(TreeScanTest, APartOfATreeIsLookedAtAlone) {
  const std::ofstream emptied(top() / "appvms/work/private.img", std::ios::trunc);
  EXPECT_EQ(scan({"vm-templates", std::nullopt}).size(), 1U);
  EXPECT_EQ(scan({"vm-templates", "debian"}).size(), 1U);
  EXPECT_TRUE(test::error_of([&] { scan({"appvms", "work"}); }).has_value());
}

TEST_F(TreeScanTest, SymbolicLinksAreRefusedWhereverTheyStand) {
  for (const Path name : {"appvms/work/root.img", "appvms/work/notes", "appvms/other", "servicevms"}) {
    std::filesystem::create_symlink("/etc", top() / name);
    expect_refused(top() / name, name == "servicevms" ? "is no directory" : "is a symbolic link");
    std::filesystem::remove(top() / name);
  }
  EXPECT_EQ(scan().size(), 2U);
}

TEST_F(TreeScanTest, FifosSocketsAndDirectoriesInPlaceOfFilesAreRefused) {
  const Path path = top() / "appvms/work/root.img";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  expect_refused(path, "is a FIFO");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  expect_refused(path, "is a directory");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo((top() / "appvms/fifo").c_str(), 0600), 0);
  expect_refused(top() / "appvms/fifo", "is a FIFO");
}

TEST_F(TreeScanTest, ADeviceNodeIsRefused) {
  const Path path = top() / "appvms/work/root.img";
  if (::mknod(path.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) != 0) GTEST_SKIP() << "needs root";
  expect_refused(path, "is a device node");
}

TEST_F(TreeScanTest, AnImageWithASecondNameIsRefused) {
  const Path path = top() / "appvms/work/private.img";
  std::filesystem::create_hard_link(path, top() / "elsewhere");
  expect_refused(path, "has 2 hard links");
}

TEST_F(TreeScanTest, NamesThatAreNoneAreRefusedAndShownEscaped) {
  image("appvms/work/a\nb.img");
  expect_refused(top() / "appvms/work/a\\x0ab.img", "control characters");
  std::filesystem::remove(top() / "appvms/work/a\nb.img");
  std::filesystem::create_directory(top() / "appvms/\x1b[2J");
  expect_refused(top() / "appvms/\\x1b[2J", "is no directory of a VM");
  std::filesystem::remove(top() / "appvms/\x1b[2J");
  image("appvms/work/-x.img");
  EXPECT_TRUE(test::error_of([&] { scan(); }).has_value());
}

TEST_F(TreeScanTest, NamesThatATerminalObeysOrThatAreNoUtf8AreRefusedAndShownEscaped) {
  const std::vector<std::pair<std::string, std::string>> names = {{"\x9b"
                                                                   "2J.img",
                                                                   "\\x9b2J.img"},
                                                                  {"notes\xc2\x9b"
                                                                   "2J",
                                                                   "notes\\xc2\\x9b2J"},
                                                                  {"notes\xff", "notes\\xff"},
                                                                  {"notes\x7f", "notes\\x7f"}};
  for (const auto& [name, shown] : names) {
    const Path path = image("appvms/work/" + name);
    expect_refused(top() / ("appvms/work/" + shown), "control characters");
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    expect_refused(top() / ("appvms/work/" + shown), "control characters");
    std::filesystem::remove(path);
  }
  image("appvms/work/Grüße.txt");
  EXPECT_EQ(scan({"appvms", "work"}).front().others.size(), 1U);
}

TEST_F(TreeScanTest, ImagesOfImpossibleSizesAreRefused) {
  const Path path = top() / "appvms/work/private.img";
  std::filesystem::resize_file(path, 0);
  expect_refused(path, "is empty");
  std::filesystem::resize_file(path, 513);
  expect_refused(path, "513 bytes");
  std::error_code too_large_here;
  for (const std::uint64_t size : {(std::uint64_t{1} << 63) - 1, (std::uint64_t{1} << 63) - 4096}) {
    std::filesystem::resize_file(path, size, too_large_here);
    if (!too_large_here) expect_refused(path, "too large");
  }
  std::filesystem::resize_file(path, 4096);
  std::filesystem::resize_file(image("appvms/work/private-cow.img"), (std::uint64_t{1} << 63) - 1,
                               too_large_here);
  if (!too_large_here) expect_refused(top() / "appvms/work/private-cow.img", "bytes long");
}

TEST_F(TreeScanTest, FilesOfAnotherDriversAreRefused) {
  const Path dirty = image("appvms/work/private-dirty.img");
  expect_refused(dirty, "file-reflink", ErrorKind::not_supported);
  EXPECT_EQ(scan({}, TreeKind::reflink).size(), 2U);
  image("appvms/work/private-cow.img");
  EXPECT_TRUE(test::error_of([&] { scan({}, TreeKind::reflink); }).has_value());
}

TEST_F(TreeScanTest, WhatAnImportThatIsNotOverLeftIsRefused) {
  expect_refused(image("appvms/work/private-import.img"), "move it away", ErrorKind::not_supported);
}

}  // namespace
}  // namespace cowshed::app
