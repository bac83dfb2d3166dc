// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed {

FileSystem file_system_of(const Path& path) {
  struct stat st {};
  struct statvfs space {};
  if (::stat(path.c_str(), &st) < 0 || ::statvfs(path.c_str(), &space) < 0)
    throw Error::from_errno(errno, fmt::format("file system of '{}'", path.native()));
  return {st.st_dev, Bytes{space.f_blocks * space.f_frsize},
          Bytes{(space.f_blocks - space.f_bfree) * space.f_frsize}, Bytes{space.f_bavail * space.f_frsize}};
}

}  // namespace cowshed
