// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"

namespace bench {

/// A device or file, read and written in blocks of one size, past the page cache where that is the device's
/// own.
class Blocks {
 public:
  Blocks(const std::string& path, std::size_t block_size);

  /// All of it this letter.
  void write(std::uint64_t at, char letter) const;
  /// Into bytes().
  void read(std::uint64_t at) const;
  /// Reads blocks 0 .. count - 1.
  void read_first(std::uint64_t count) const;
  [[nodiscard]] const char* bytes() const { return buffer_.get(); }

 private:
  struct Free {
    void operator()(char* bytes) const;
  };

  std::string path_;
  std::size_t size_;
  cowshed::Fd fd_;
  std::unique_ptr<char, Free> buffer_;
};

bool all_zeros(const std::string& path, std::uint64_t at, std::size_t size);

}  // namespace bench
