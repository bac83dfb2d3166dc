// SPDX-License-Identifier: Apache-2.0
#include "io/end.h"

#include <array>
#include <bit>

#include "files_fixture.h"

namespace cowshed::io {
namespace {

class EndTest : public test::FilesTest {};

TEST_F(EndTest, IsDirectWhereItWasOpenedSo) {
  fill(source(), "x");
  const Fd buffered = open_file(source(), O_RDONLY);
  EXPECT_FALSE(End(buffered, source()).is_direct());
  const Fd direct = open_direct_if_possible(source(), O_RDONLY);
  EXPECT_EQ(End(direct, source()).is_direct(), (::fcntl(direct.get(), F_GETFL) & O_DIRECT) != 0);
}

TEST_F(EndTest, ABufferedEndNeedsNoOtherDescriptor) {
  fill(source(), "x");
  const Fd fd = open_file(source(), O_RDONLY);
  const End end(fd, source());
  EXPECT_EQ(end.buffered_fd(), end.fd());
}

TEST_F(EndTest, TheBufferedDescriptorIsOfTheSameFile) {
  const Fd fd = create_unnamed(directory_, kibibytes(8));
  if (::fcntl(fd.get(), F_SETFL, O_DIRECT) < 0) GTEST_SKIP() << "no direct I/O in " << directory_;
  const End end(fd, "unnamed");
  const int other = end.buffered_fd();
  EXPECT_NE(other, fd.get());
  EXPECT_EQ(::fcntl(other, F_GETFL) & O_DIRECT, 0);
  EXPECT_NE(::fcntl(other, F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(::pwrite(other, "x", 1, 5), 1);
  char byte = 0;
  ::fcntl(fd.get(), F_SETFL, 0);
  ASSERT_EQ(::pread(fd.get(), &byte, 1, 5), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(EndTest, TheAlignmentIsOneThatDirectReadsAccept) {
  fill(source(), std::string(65'536, 'x'));
  const Fd fd = open_direct_if_possible(source(), O_RDONLY);
  const End end(fd, source());
  const auto alignment = end.alignment().count;
  ASSERT_TRUE(std::has_single_bit(alignment)) << alignment;
  ASSERT_LE(alignment, 4096u);
  alignas(4096) static std::array<char, 8192> memory;
  EXPECT_EQ(::pread(fd.get(), memory.data() + alignment, alignment, static_cast<off_t>(alignment)),
            static_cast<ssize_t>(alignment));
}

TEST_F(EndTest, KnowsItsSize) {
  const Fd fd = create_sparse(source(), Bytes{12'345});
  EXPECT_EQ(End(fd, source()).size(), Bytes{12'345});
}

TEST_F(EndTest, IsAFileOrABlockDevice) {
  for (const char* path : {"/dev/null", "/tmp"})
    test::expect_error(ErrorKind::invalid_argument, [&] { End(open_file(path, O_RDONLY), path); });
}

TEST_F(EndTest, OpeningDirectFailsAsOpeningDoes) {
  test::expect_error(ErrorKind::not_found, [&] { open_direct_if_possible(at("nosuch"), O_RDONLY); });
}

TEST_F(EndTest, WithoutDirectIoItIsOpenedBuffered) {
  // proc has none.
  const Fd fd = open_direct_if_possible("/proc/self/status", O_RDONLY);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_DIRECT, 0);
}

}  // namespace
}  // namespace cowshed::io
