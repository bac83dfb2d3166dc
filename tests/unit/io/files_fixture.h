// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "io/end.h"
#include "support/errors.h"

namespace cowshed::test {

inline std::string random_content(Bytes size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string content(size.count, '\0');
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < content.size(); i += sizeof word) {
    word = random();
    std::memcpy(content.data() + i, &word, std::min(sizeof word, content.size() - i));
  }
  return content;
}

/// A directory of its own, with files to copy from and to.
class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string name = ::testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    directory_ = name;
  }
  ~FilesTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] Path at(std::string_view name) const { return directory_ / name; }
  [[nodiscard]] Path source() const { return at("source"); }
  [[nodiscard]] Path target() const { return at("target"); }

  static void fill(const Path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  [[nodiscard]] static std::string content(const Path& path) { return read_file(path, gibibytes(1)); }
  [[nodiscard]] static Bytes allocated(const Path& path) { return stat_if_exists(path)->allocated; }
  static Fd open_as(const Path& path, int flags, bool direct) {
    return direct ? io::open_direct_if_possible(path, flags) : open_file(path, flags);
  }

  Path directory_;
};

}  // namespace cowshed::test
