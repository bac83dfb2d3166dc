// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/exported_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cerrno>

#include "base/error.h"
#include "io/data_extents.h"

namespace cowshed::pools::reflink {

ExportedFile::ExportedFile(const Path& clean)
    : held_(open_file(clean, O_RDONLY)), path_(path_to(held_)), size_(stat_fd(held_, clean).size) {
  if (::flock(held_.get(), LOCK_SH) < 0)
    throw Error::from_errno(errno, fmt::format("lock '{}'", clean.native()));
  data_ = io::list_data(io::End(held_, clean));
}

void refuse_exported(const Path& clean) {
  const Fd fd = open_file(clean, O_RDONLY);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw Error::from_errno(errno, fmt::format("lock '{}'", clean.native()));
  throw Error(
      ErrorKind::in_use,
      fmt::format("'{}' is being exported; with snapshots off the guest would write it", clean.native()),
      EWOULDBLOCK);
}

}  // namespace cowshed::pools::reflink
