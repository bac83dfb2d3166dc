// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "copy_ways.h"
#include "memory.h"
#include "programs.h"

namespace bench {

namespace {

constexpr std::size_t portion = 1 << 20;

void read_into_cache(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file);
  std::vector<char> buffer(portion);
  ssize_t count = 0;
  while ((count = ::read(fd, buffer.data(), buffer.size())) > 0) {
  }
  ::close(fd);
  if (count < 0) throw std::system_error(EIO, std::generic_category(), file);
}

}  // namespace

void CopyWay::prepare() {
  clean_up();
  if (copy_.is_warm) {
    ::sync();
    read_into_cache(copy_.source);
  } else {
    forget_files();
  }
}

void CopyWay::check() { bench::run({"cmp", "--", copy_.source, copy_.target}); }

void CopyWay::clean_up() { ::unlink(copy_.target.c_str()); }

}  // namespace bench
