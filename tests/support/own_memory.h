// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"

/// Is a secret still somewhere in this process? Whoever looks must not have it itself, so it is known only in
/// disguise here, each byte changed.
namespace cowshed::test {

constexpr char disguise = 0x5a;

inline std::string disguised(std::string_view bytes) {
  std::string result(bytes.size(), '\0');
  std::ranges::transform(bytes, result.begin(), [](char c) { return static_cast<char>(c ^ disguise); });
  return result;
}

inline std::string disguised(std::span<const std::byte> bytes) {
  return disguised({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// Of disguised bytes the lower-case hexadecimal text, disguised.
inline std::string disguised_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c ^ disguise);
    result += static_cast<char>(digits[byte >> 4] ^ disguise);
    result += static_cast<char>(digits[byte & 0xf] ^ disguise);
  }
  return result;
}

/// Does `data` hold the bytes that `wanted` stands for?
inline bool holds(std::span<const char> data, std::string_view wanted) {
  const auto is_same = [](char plain, char changed) { return (plain ^ disguise) == changed; };
  return std::search(data.begin(), data.end(), wanted.begin(), wanted.end(), is_same) != data.end();
}

/// Looks through a file or device, in pieces that overlap. Reads into memory that own_memory_holds() leaves
/// out.
class Searcher {
 public:
  static constexpr std::size_t buffer_size = 4 << 20;

  Searcher()
      : buffer_(static_cast<char*>(
            ::mmap(nullptr, buffer_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Searcher() { ::munmap(buffer_, buffer_size); }
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  /// Between two offsets, as far as they can be read.
  bool finds(int fd, std::string_view wanted, std::uint64_t from, std::uint64_t to) {
    constexpr std::uint64_t overlap = 4096;
    while (from < to) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_size, to - from));
      const ssize_t got = ::pread(fd, buffer_, size, static_cast<off_t>(from));
      if (got <= 0) return false;
      if (holds({buffer_, static_cast<std::size_t>(got)}, wanted)) return true;
      if (static_cast<std::size_t>(got) < buffer_size) return false;
      from += buffer_size - overlap;
    }
    return false;
  }
  [[nodiscard]] bool is_own(std::uint64_t address) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer_);
    return address >= begin && address < begin + buffer_size;
  }

 private:
  char* buffer_;
};

/// All that this process can write, also what a core dump would leave out; `wanted` in disguise.
inline bool own_memory_holds(std::string_view wanted) {
  const Fd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  Searcher searcher;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char may_read = '-', may_write = '-';
    if (std::sscanf(line.c_str(), "%lx-%lx %c%c", &from, &to, &may_read, &may_write) != 4) continue;
    // AddressSanitizer maps terabytes for its own ends.
    const bool is_of_a_sanitizer = to - from > (1UL << 36);
    if (may_read != 'r' || may_write != 'w' || is_of_a_sanitizer) continue;
    // The kernel may have joined the buffer's mapping with its neighbours.
    for (unsigned long page = from; page < to; page += 4096) {
      if (searcher.is_own(page)) continue;
      unsigned long end = page;
      while (end < to && !searcher.is_own(end)) end += 4096;
      if (searcher.finds(memory.get(), wanted, page, end)) return true;
      page = end - 4096;
    }
  }
  return false;
}

}  // namespace cowshed::test
