// SPDX-License-Identifier: Apache-2.0
#include "io/copy_file.h"

#include "copy_fixture.h"
#include "io/data_extents.h"

namespace cowshed::io {
namespace {

using test::random_content;

class CopyFileTest : public test::CopyTest {
 protected:
  void make_source(Bytes size) { create_sparse(source(), size); }
  void put(const Path& path, Bytes offset, std::string_view data) {
    const Fd fd = open_file(path, O_RDWR);
    ASSERT_EQ(::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset.count)),
              static_cast<ssize_t>(data.size()));
  }
  CopyReport copy_whole(Bytes target_size) {
    unlink_if_exists(target());
    create_sparse(target(), target_size);
    const Fd from = open_as(source(), O_RDONLY, source_is_direct_);
    const Fd to = open_as(target(), O_RDWR, target_is_direct_);
    return copy_file(End(from, source()), End(to, target()), options_);
  }
};

TEST_P(CopyFileTest, HolesStayHoles) {
  make_source(mebibytes(64));
  put(source(), mebibytes(3), random_content(kibibytes(100), 12));
  put(source(), mebibytes(40) + Bytes{5000}, "data");
  for (const bool direct : {false, true}) {
    source_is_direct_ = target_is_direct_ = direct;
    copy_whole(mebibytes(64));
    EXPECT_TRUE(content(target()) == content(source()));
    EXPECT_LE(allocated(target()), kibibytes(128));
  }
}

TEST_P(CopyFileTest, TheTargetMayBeLarger) {
  make_source(Bytes{10'000});
  put(source(), {9000}, std::string(1000, 'x'));
  copy_whole(mebibytes(1));
  const std::string copied = content(target());
  EXPECT_EQ(copied.substr(0, 10'000), content(source()));
  EXPECT_EQ(copied.substr(10'000), std::string((1 << 20) - 10'000, '\0'));
}

TEST_P(CopyFileTest, AnEmptyFileAndAnAllHoleAreNothingToCopy) {
  for (const Bytes size : {Bytes{0}, mebibytes(100)}) {
    unlink_if_exists(source());
    make_source(size);
    EXPECT_EQ(copy_whole(mebibytes(100)).copied, Bytes{0});
    EXPECT_EQ(allocated(target()), Bytes{0});
  }
}

TEST_P(CopyFileTest, AnUnnamedFileCanBeTheTarget) {
  const std::string data = random_content(Bytes{100'001}, 13);
  fill(source(), data);
  const Fd from = open_file(source(), O_RDONLY);
  for (const int flags : {0, O_DIRECT}) {
    const Fd to = create_unnamed(directory_, Bytes{data.size()});
    // What the file system does not have direct I/O for stays buffered.
    ::fcntl(to.get(), F_SETFL, flags);
    copy_file(End(from, source()), End(to, "unnamed"), options_);
    std::string copied(data.size(), '\0');
    ::fcntl(to.get(), F_SETFL, 0);
    EXPECT_EQ(::pread(to.get(), copied.data(), copied.size(), 0), static_cast<ssize_t>(copied.size()));
    EXPECT_TRUE(copied == data);
  }
}

COWSHED_OVER_BOTH(CopyFileTest);

class DataExtentsTest : public test::FilesTest {
 protected:
  std::vector<Extent> extents_of(const Path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    const End end(fd, path);
    std::vector<Extent> extents;
    const auto stream = data_extents(end);
    while (const auto extent = stream()) extents.push_back(*extent);
    return extents;
  }
};

TEST_F(DataExtentsTest, AreWhereTheFileHasData) {
  const Fd fd = create_sparse(source(), mebibytes(10));
  const std::string block(65'536, 'x');
  for (const off_t at : {1 << 20, 5 << 20})
    ASSERT_EQ(::pwrite(fd.get(), block.data(), block.size(), at), static_cast<ssize_t>(block.size()));
  const auto extents = extents_of(source());
  ASSERT_EQ(extents.size(), 2u);
  EXPECT_EQ(extents[0], (Extent{mebibytes(1), mebibytes(1), kibibytes(64)}));
  EXPECT_EQ(extents[1], (Extent{mebibytes(5), mebibytes(5), kibibytes(64)}));
}

TEST_F(DataExtentsTest, EndWithTheFile) {
  fill(source(), std::string(5001, 'x'));
  EXPECT_EQ(extents_of(source()), (std::vector<Extent>{{{0}, {0}, {5001}}}));
}

TEST_F(DataExtentsTest, OfAnEmptyFileAreNone) {
  fill(source(), "");
  EXPECT_TRUE(extents_of(source()).empty());
}

}  // namespace
}  // namespace cowshed::io
