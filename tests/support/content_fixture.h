// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/continuous_reader.h"
#include "support/file_pool_fixture.h"

namespace cowshed::test {

/// For tests of what changes or hands out a volume as a whole, whatever its write policy.
class ContentTest : public EitherPolicyTest {
 protected:
  /// Writes one value over all of the volume, in a session of its own.
  void commit(pools::Volume& volume, char value) {
    fill(start(volume), volume.size(), value);
    stop(volume);
  }
  static void fill(const Path& node, Bytes size, char value) {
    const Fd fd = open_direct(node, O_RDWR);
    for (Bytes at; at < size;) {
      const Bytes length = std::min(kibibytes(64), size - at);
      write_block(fd, at, value, length);
      at = at + length;
    }
  }
  /// Every byte, past the page cache, and no byte more.
  static void expect_all(const Path& node, Bytes size, char value) {
    EXPECT_EQ(size_of(node), size);
    const Fd fd = open_direct(node, O_RDONLY);
    for (Bytes at; at < size;) {
      const Bytes length = std::min(kibibytes(64), size - at);
      ASSERT_EQ(read_block(fd, at, length), value) << "at " << at.count;
      at = at + length;
    }
  }
  /// What its next session shows.
  void expect_holds(pools::Volume& volume, Bytes size, char value) {
    EXPECT_EQ(volume.size(), size);
    expect_all(start(volume), size, value);
    stop(volume);
  }
  static Bytes size_of(const Path& node) {
    const off_t end = ::lseek(open_file(node, O_RDONLY).get(), 0, SEEK_END);
    return {static_cast<std::uint64_t>(end)};
  }
  /// A file of one value.
  [[nodiscard]] Path file_of(const std::string& name, Bytes size, char value) const {
    Path file = scratch() / name;
    write_all(open_file(file, O_WRONLY | O_CREAT | O_EXCL), std::string(size.count, value), file);
    return file;
  }
  static void resize(pools::Volume& volume, Bytes size, bool shrink = false) {
    volume.resize(size, shrink, nullptr).get();
  }
  static void revert(pools::Volume& volume) { volume.revert(std::nullopt, nullptr).get(); }
};

}  // namespace cowshed::test
