// SPDX-License-Identifier: Apache-2.0
#include "io/stream.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/error.h"
#include "io/zero.h"

namespace cowshed::io {

namespace {

constexpr Bytes portion = mebibytes(1);
constexpr std::size_t alignment = 4096;

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

/// Aligned for direct I/O.
class Buffer {
 public:
  Buffer() : memory_(static_cast<std::byte*>(std::aligned_alloc(alignment, portion.count))) {
    if (!memory_) throw std::bad_alloc();
    std::fill_n(memory_.get(), portion.count, std::byte{0});
  }
  [[nodiscard]] std::span<std::byte> first(Bytes length) { return {memory_.get(), length.count}; }

 private:
  std::unique_ptr<std::byte[], Free> memory_;
};

void tell(const CopyProgress& progress, Bytes done) {
  if (progress) progress(done);
}

/// Repeats a call that was interrupted, after the caller was asked whether to go on.
template <typename Call>
std::size_t repeat(Call call, const CopyProgress& progress, Bytes done, std::string_view what,
                   const Path& name) {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0) return static_cast<std::size_t>(result);
    if (errno != EINTR)
      throw Error::from_errno(errno, fmt::format("{} '{}' at {}", what, name.native(), done.count));
    tell(progress, done);
  }
}

class StreamWriter {
 public:
  StreamWriter(int fd, const Path& name, const CopyProgress& progress)
      : fd_(fd), name_(name), progress_(progress) {}

  [[nodiscard]] Bytes at() const { return at_; }

  void write(std::span<const std::byte> data) {
    while (!data.empty()) {
      const std::size_t put =
          repeat([&] { return ::write(fd_, data.data(), data.size()); }, progress_, at_, "write", name_);
      data = data.subspan(put);
      at_ = at_ + Bytes{put};
    }
    tell(progress_, at_);
  }

  void write_zeros(Bytes until) {
    while (at_ < until) write(zeros_.first(std::min(portion, until - at_)));
  }

 private:
  int fd_;
  const Path& name_;
  const CopyProgress& progress_;
  Bytes at_;
  Buffer zeros_;
};

/// At an offset that need not be aligned.
void read_fully(const End& source, Bytes at, std::span<std::byte> into, const CopyProgress& progress) {
  const bool is_aligned = at.count % alignment == 0 && into.size() % alignment == 0;
  const int fd = is_aligned ? source.fd() : source.buffered_fd();
  for (std::size_t done = 0; done < into.size();) {
    const std::size_t got = repeat(
        [&] {
          return ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(at.count + done));
        },
        progress, at, "read", source.name());
    if (got == 0)
      throw Error(ErrorKind::corrupt_image, fmt::format("'{}' ends too early", source.name().native()));
    done += got;
  }
}

}  // namespace

void write_stream(const ExtentStream& data, const End& source, Bytes size, int fd, const Path& name,
                  const CopyProgress& progress) {
  StreamWriter writer(fd, name, progress);
  Buffer buffer;
  while (const auto extent = data()) {
    const Bytes end = std::min(extent->source + extent->length, size);
    writer.write_zeros(std::min(extent->source, size));
    while (writer.at() < end) {
      const auto part = buffer.first(std::min(portion, end - writer.at()));
      read_fully(source, writer.at(), part, progress);
      writer.write(part);
    }
  }
  writer.write_zeros(size);
}

Bytes read_stream(int fd, const Path& name, const End& target, const CopyProgress& progress) {
  Buffer buffer;
  Bytes at;
  const auto block = buffer.first(portion);
  for (bool ended = false; !ended;) {
    std::size_t filled = 0;
    while (filled < block.size() && !ended) {
      const std::size_t got = repeat([&] { return ::read(fd, block.data() + filled, block.size() - filled); },
                                     progress, at, "read", name);
      ended = got == 0;
      filled += got;
    }
    for (std::size_t done = 0; done < filled && !is_zero(block.first(filled));) {
      done += repeat(
          [&] {
            return ::pwrite(target.buffered_fd(), block.data() + done, filled - done,
                            static_cast<off_t>(at.count + done));
          },
          progress, at, "write", target.name());
    }
    at = at + Bytes{filled};
    tell(progress, at);
  }
  if (::ftruncate(target.fd(), static_cast<off_t>(at.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}'", target.name().native()));
  return at;
}

}  // namespace cowshed::io
