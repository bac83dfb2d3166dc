// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>

#include <atomic>
#include <thread>

#include "support/vm_fixture.h"

namespace cowshed::test {

/// Reads all of a device that is to hold one value everywhere, past the page cache, again and again until it
/// is destroyed. The device cannot be stopped before that.
class ContinuousReader {
 public:
  ContinuousReader(const Path& node, Bytes size, char value = 0)
      : thread_([this, fd = open_direct(node, O_RDONLY), size, value] {
          while (!stop_) {
            read_all(fd, size, value);
            ++rounds_;
          }
        }) {}
  ~ContinuousReader() {
    stop_ = true;
    thread_.join();
  }
  ContinuousReader(const ContinuousReader&) = delete;
  ContinuousReader& operator=(const ContinuousReader&) = delete;

  /// Reads it at least once more from here on; false where it has ever read another value.
  bool saw_no_change() {
    const int rounds = rounds_;
    EXPECT_TRUE(eventually([&] { return rounds_ > rounds + 1; }));
    return wrong_ == 0;
  }

 private:
  void read_all(const Fd& fd, Bytes size, char value) {
    for (Bytes at; at < size;) {
      const Bytes length = std::min(kibibytes(64), size - at);
      if (read_block(fd, at, length) != value) ++wrong_;
      at = at + length;
    }
  }

  std::atomic<bool> stop_ = false;
  std::atomic<int> rounds_ = 0, wrong_ = 0;
  std::thread thread_;
};

}  // namespace cowshed::test
