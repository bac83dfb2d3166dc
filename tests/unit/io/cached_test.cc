// SPDX-License-Identifier: Apache-2.0
#include "io/cached.h"

#include <sys/uio.h>

#include <cerrno>

#include "files_fixture.h"

namespace cowshed::io {
namespace {

class CachedTest : public test::FilesTest {
 protected:
  const Bytes size_ = mebibytes(8);
  static bool is_direct(const Fd& fd) { return (::fcntl(fd.get(), F_GETFL) & O_DIRECT) != 0; }
  /// Out of the page cache; false where the file system has nothing else.
  bool drop() {
    const Fd fd = open_file(source(), O_RDWR);
    sync_file(fd, source());
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    // The last byte: to look for it reads only what is near.
    char byte = 0;
    const iovec part{.iov_base = &byte, .iov_len = 1};
    return ::preadv2(fd.get(), &part, 1, static_cast<off_t>(size_.count) - 1, RWF_NOWAIT) < 0 &&
           errno == EAGAIN;
  }
};

TEST_F(CachedTest, WhatWasJustWrittenIs) {
  fill(source(), std::string(size_.count, 'x'));
  EXPECT_TRUE(is_cached(open_file(source(), O_RDONLY), source()));
  EXPECT_FALSE(is_direct(open_to_read_once(source())));
}

TEST_F(CachedTest, WhatWasDroppedIsNotAndIsReadDirect) {
  fill(source(), std::string(size_.count, 'x'));
  if (!drop()) GTEST_SKIP() << "this file system keeps all in the page cache";
  EXPECT_FALSE(is_cached(open_file(source(), O_RDONLY), source()));
  EXPECT_EQ(is_direct(open_to_read_once(source())), is_direct(open_direct_if_possible(source(), O_RDONLY)));
}

TEST_F(CachedTest, HolesDoNotCount) {
  const Fd fd = create_sparse(source(), mebibytes(100));
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 50 << 20), 1);
  EXPECT_TRUE(is_cached(fd, source()));
}

TEST_F(CachedTest, AnEmptyFileCanBeOpened) {
  fill(source(), "");
  EXPECT_TRUE(open_to_read_once(source()).is_open());
}

TEST_F(CachedTest, AFileThatIsNotThereIsSaidToBe) {
  test::expect_error(ErrorKind::not_found, [&] { open_to_read_once(at("nosuch")); });
}

}  // namespace
}  // namespace cowshed::io
