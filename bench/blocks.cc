// SPDX-License-Identifier: Apache-2.0
#include "blocks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

namespace bench {

namespace {

constexpr std::size_t alignment = 4096;

void expect_whole(ssize_t result, std::size_t size, const std::string& path) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), path);
  if (static_cast<std::size_t>(result) != size) throw std::runtime_error(path + ": short");
}

}  // namespace

void Blocks::Free::operator()(char* bytes) const { std::free(bytes); }

Blocks::Blocks(const std::string& path, std::size_t block_size)
    : path_(path),
      size_(block_size),
      fd_(::open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)),
      buffer_(static_cast<char*>(std::aligned_alloc(alignment, block_size))) {
  if (!buffer_) throw std::bad_alloc();
  if (fd_.get() < 0) throw std::system_error(errno, std::generic_category(), path);
}

void Blocks::write(std::uint64_t at, char letter) const {
  std::memset(buffer_.get(), letter, size_);
  expect_whole(::pwrite(fd_.get(), buffer_.get(), size_, static_cast<off_t>(at)), size_, path_);
}

void Blocks::read(std::uint64_t at) const {
  expect_whole(::pread(fd_.get(), buffer_.get(), size_, static_cast<off_t>(at)), size_, path_);
}

void Blocks::read_first(std::uint64_t count) const {
  for (std::uint64_t i = 0; i < count; ++i) read(i * size_);
}

bool all_zeros(const std::string& path, std::uint64_t at, std::size_t size) {
  const Blocks blocks(path, size);
  blocks.read(at);
  return std::all_of(blocks.bytes(), blocks.bytes() + size, [](char byte) { return byte == 0; });
}

}  // namespace bench
