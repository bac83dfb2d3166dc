// SPDX-License-Identifier: Apache-2.0
#include "io/cached.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/error.h"
#include "io/end.h"

namespace cowshed::io {

namespace {

constexpr int samples = 16;

/// A file mapped only to be asked about: no page of it is touched.
class Mapping {
 public:
  Mapping(int fd, std::size_t size)
      : size_(size), memory_(::mmap(nullptr, size, PROT_NONE, MAP_SHARED, fd, 0)) {}
  ~Mapping() {
    if (memory_ != MAP_FAILED) ::munmap(memory_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] bool is_resident(off_t offset) const {
    if (memory_ == MAP_FAILED) return false;
    const long page = ::sysconf(_SC_PAGESIZE);
    unsigned char answer = 0;
    void* const at = static_cast<std::byte*>(memory_) + offset / page * page;
    return ::mincore(at, static_cast<std::size_t>(page), &answer) == 0 && (answer & 1) != 0;
  }

 private:
  std::size_t size_;
  void* memory_;
};

}  // namespace

bool is_cached(const Fd& fd, const Path& name) {
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) throw Error::from_errno(errno, fmt::format("find the end of '{}'", name.native()));
  const Mapping mapping(fd.get(), static_cast<std::size_t>(size));
  int cached = 0;
  int seen = 0;
  for (int i = 0; i < samples; ++i) {
    const off_t data = ::lseek(fd.get(), size / samples * i, SEEK_DATA);
    if (data < 0) break;
    ++seen;
    cached += mapping.is_resident(data) ? 1 : 0;
  }
  return 2 * cached > seen;
}

Fd open_to_read_once(const Path& path) {
  Fd fd = open_file(path, O_RDONLY);
  if (is_cached(fd, path)) return fd;
  return open_direct_if_possible(path, O_RDONLY);
}

}  // namespace cowshed::io
