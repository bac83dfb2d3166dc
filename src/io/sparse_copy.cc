// SPDX-License-Identifier: Apache-2.0
#include "io/sparse_copy.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cowshed::io {

namespace {

[[noreturn]] void fail(std::string_view what, const Path& name) {
  throw Error::from_errno(errno, fmt::format("{} '{}'", what, name.native()));
}

class SparseCopy {
 public:
  SparseCopy(const Fd& from, const Path& from_name, const Fd& to, const Path& to_name,
             const CopyProgress& progress)
      : from_(from),
        to_(to),
        from_name_(from_name),
        to_name_(to_name),
        progress_(progress),
        buffer_(1 << 20) {}

  void run() {
    for (off_t end = 0;;) {
      const off_t begin = ::lseek(from_.get(), end, SEEK_DATA);
      if (begin < 0) {
        if (errno == ENXIO) return;
        fail("find data in", from_name_);
      }
      end = ::lseek(from_.get(), begin, SEEK_HOLE);
      if (end < 0) fail("find hole in", from_name_);
      copy(begin, end);
    }
  }

 private:
  void copy(off_t begin, off_t end) {
    while (begin < end) {
      const auto want = std::min(buffer_.size(), static_cast<std::size_t>(end - begin));
      const ssize_t got = ::pread(from_.get(), buffer_.data(), want, begin);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read", from_name_);
      if (got == 0) return;
      write(begin, static_cast<std::size_t>(got));
      begin += got;
      done_ = done_ + Bytes{static_cast<std::uint64_t>(got)};
      if (progress_) progress_(done_);
    }
  }

  void write(off_t offset, std::size_t length) {
    for (std::size_t done = 0; done < length;) {
      const ssize_t put =
          ::pwrite(to_.get(), buffer_.data() + done, length - done, offset + static_cast<off_t>(done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail("write", to_name_);
      done += static_cast<std::size_t>(put);
    }
  }

  const Fd& from_;
  const Fd& to_;
  const Path& from_name_;
  const Path& to_name_;
  const CopyProgress& progress_;
  std::vector<char> buffer_;
  Bytes done_;
};

}  // namespace

void copy_sparse(const Fd& from, const Path& from_name, const Fd& to, const Path& to_name,
                 const CopyProgress& progress) {
  SparseCopy(from, from_name, to, to_name, progress).run();
}

}  // namespace cowshed::io
