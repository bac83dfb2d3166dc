// SPDX-License-Identifier: Apache-2.0
#include "sparse_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <span>
#include <system_error>
#include <vector>

namespace bench {

namespace {

constexpr std::uint64_t block = 4 << 10;
constexpr std::uint64_t mebibyte = 1 << 20;
/// 4 KiB to 2 MiB.
constexpr unsigned stretch_sizes = 10;

void check(bool is_done, const std::string& file) {
  if (!is_done) throw std::system_error(errno, std::generic_category(), file);
}

class File {
 public:
  explicit File(const std::string& name)
      : name_(name), fd_(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    check(fd_ >= 0, name_);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void resize(std::uint64_t size) const { check(::ftruncate(fd_, static_cast<off_t>(size)) == 0, name_); }
  void sync() const { check(::fsync(fd_) == 0, name_); }

  /// Nowhere zeros, nowhere the same.
  void fill(std::uint64_t from, std::uint64_t length) const {
    std::vector<std::uint64_t> words(std::min(length, mebibyte) / sizeof(std::uint64_t));
    for (std::uint64_t at = from; at < from + length; at += words.size() * sizeof(std::uint64_t)) {
      words.resize(std::min(words.size(), (from + length - at) / sizeof(std::uint64_t)));
      std::uint64_t word = at;
      for (std::uint64_t& each : words) each = (word += sizeof each) * 0x9e3779b97f4a7c15U | 1;
      const auto bytes = std::as_bytes(std::span(words));
      const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      check(written == static_cast<ssize_t>(bytes.size()), name_);
    }
  }

 private:
  std::string name_;
  int fd_;
};

}  // namespace

void make_source(const std::string& name, std::uint64_t size, unsigned percent) {
  const File file(name);
  file.resize(size);
  std::mt19937_64 random(size + percent);
  std::uint64_t data = 0;
  for (std::uint64_t at = 0; at < size;) {
    const std::uint64_t length = std::min(block << random() % stretch_sizes, size - at);
    file.fill(at, length);
    data += length;
    // As much hole as makes the percentage right again.
    at = std::max(at + length, data * 100 / percent / block * block);
  }
  file.sync();
}

}  // namespace bench
