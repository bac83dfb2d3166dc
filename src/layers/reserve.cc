// SPDX-License-Identifier: Apache-2.0
#include "layers/reserve.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed::layers {

namespace {

/// 0 or an errno.
int allocate(const Fd& fd, int mode, Bytes from, Bytes length) {
  for (;;) {
    if (::fallocate(fd.get(), mode, static_cast<off_t>(from.count), static_cast<off_t>(length.count)) == 0)
      return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

bool reserve(const Path& file, Bytes from, Bytes until) {
  if (from >= until) return true;
  const Fd fd = open_file(file, O_RDWR);
  const int error = allocate(fd, FALLOC_FL_KEEP_SIZE, from, until - from);
  if (error == 0) return true;
  if (error == ENOSPC || error == EDQUOT) return false;
  if (error == EOPNOTSUPP)
    throw Error(ErrorKind::not_supported,
                fmt::format("the file system of '{}' cannot reserve space (fallocate)", file.native()),
                error);
  throw Error::from_errno(error,
                          fmt::format("reserve {} bytes of '{}'", (until - from).count, file.native()));
}

void give_back(const Path& file, Bytes used) {
  constexpr Bytes little = mebibytes(1);
  const Fd fd = open_file(file, O_RDWR);
  const FileStat stat = stat_fd(fd, file);
  if (stat.size <= used || stat.allocated <= used + little) return;
  const int error = allocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, used, stat.size - used);
  if (error != 0 && error != EOPNOTSUPP)
    throw Error::from_errno(error, fmt::format("give back what is reserved of '{}'", file.native()));
}

}  // namespace cowshed::layers
