// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
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
  pools::Volume& committed_origin(const std::string& name, char value) {
    auto& volume = origin(name);
    commit(volume, value);
    return volume;
  }
  /// `change` is done to a volume of 'b' while snapshots of it from when it held 'a' and 'b' are read all the
  /// time: neither may see it.
  void expect_unseen_by_snapshots(pools::Volume& volume, const std::function<void()>& change) {
    commit(volume, 'a');
    auto& first = snapshot_of(volume, "first");
    start(first);
    commit(volume, 'b');
    auto& second = snapshot_of(volume, "second");
    start(second);
    {
      ContinuousReader one(first.block_device()->node, image_size, 'a');
      ContinuousReader two(second.block_device()->node, image_size, 'b');
      change();
      EXPECT_TRUE(one.saw_no_change());
      EXPECT_TRUE(two.saw_no_change());
    }
    EXPECT_TRUE(first.is_outdated());
    for (auto* snapshot : {&first, &second}) stop(*snapshot);
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
