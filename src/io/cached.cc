// SPDX-License-Identifier: Apache-2.0
#include "io/cached.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "io/end.h"

namespace cowshed::io {

namespace {

constexpr int samples = 64;

bool is_page_cached(int fd, off_t offset) {
  const long page = ::sysconf(_SC_PAGESIZE);
  void* const memory =
      ::mmap(nullptr, static_cast<std::size_t>(page), PROT_READ, MAP_SHARED, fd, offset / page * page);
  if (memory == MAP_FAILED) return false;
  unsigned char is_resident = 0;
  const bool is_known = ::mincore(memory, static_cast<std::size_t>(page), &is_resident) == 0;
  ::munmap(memory, static_cast<std::size_t>(page));
  return is_known && (is_resident & 1) != 0;
}

}  // namespace

bool is_cached(const Fd& fd, const Path& name) {
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) throw Error::from_errno(errno, fmt::format("find the end of '{}'", name.native()));
  int cached = 0;
  int seen = 0;
  for (int i = 0; i < samples; ++i) {
    const off_t data = ::lseek(fd.get(), size / samples * i, SEEK_DATA);
    if (data < 0) break;
    ++seen;
    cached += is_page_cached(fd.get(), data) ? 1 : 0;
  }
  return 2 * cached > seen;
}

Fd open_to_read_once(const Path& path) {
  Fd fd = open_file(path, O_RDONLY);
  if (is_cached(fd, path)) return fd;
  return open_direct_if_possible(path, O_RDONLY);
}

}  // namespace cowshed::io
