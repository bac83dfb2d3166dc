// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bench {

namespace {

constexpr std::size_t block_size = 4096;
constexpr off_t block_at = 1 << 20;

/// Direct I/O wants aligned memory.
struct alignas(block_size) Block {
  std::array<char, block_size> bytes;
  bool operator==(const Block&) const = default;
};

Block block_of(char letter) {
  Block block{};
  block.bytes.fill(letter);
  return block;
}

void expect_whole(ssize_t result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  if (static_cast<std::size_t>(result) != block_size) throw std::runtime_error(what + ": short");
}

int open_or_throw(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), path);
  return fd;
}

void expect_block(int fd, const Block& expected, const std::string& device) {
  Block found{};
  expect_whole(::pread(fd, &found, block_size, block_at), "read of " + device);
  if (!(found == expected)) throw std::runtime_error(device + " does not hold what it should");
}

void write_block(int fd, const Block& block, const std::string& path) {
  expect_whole(::pwrite(fd, &block, block_size, block_at), "write of " + path);
}

}  // namespace

void make_image(const std::string& path, std::uint64_t bytes) {
  const int fd = open_or_throw(path, O_RDWR | O_CREAT | O_EXCL);
  if (::ftruncate(fd, static_cast<off_t>(bytes)) < 0)
    throw std::system_error(errno, std::generic_category(), path);
  write_block(fd, block_of('t'), path);
  ::fsync(fd);
  ::close(fd);
}

void run_session(const std::string& device) {
  const int fd = open_or_throw(device, O_RDWR | O_DIRECT);
  expect_block(fd, block_of('t'), device);
  write_block(fd, block_of('g'), device);
  expect_block(fd, block_of('g'), device);
  ::close(fd);
}

}  // namespace bench
