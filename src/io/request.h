// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace cowshed::io {

enum class Op {
  read,
  write,
  /// Makes a hole; the file keeps its size (fallocate(2), FALLOC_FL_PUNCH_HOLE).
  punch,
  /// Shares the extents of the source (ioctl_ficlonerange(2)).
  clone,
  /// Lets the file system copy (copy_file_range(2)).
  copy_range,
  /// Everything written to `fd` is on the disk (fdatasync(2)).
  sync,
};

/// Done wholly or not at all; the others move some bytes and say how many.
constexpr bool is_all_or_nothing(Op op) { return op == Op::punch || op == Op::clone || op == Op::sync; }

/// What is asked of the kernel. `memory` belongs to the request until its completion.
struct Request {
  Op op = Op::read;
  int fd = -1;
  /// `fd` is open with O_DIRECT.
  bool is_direct = false;
  /// In `fd`.
  Bytes offset{};
  Bytes length{};
  std::byte* memory = nullptr;
  /// clone and copy_range: where from.
  int source_fd = -1;
  Bytes source_offset{};
  /// Comes back with the completion.
  std::uint64_t tag = 0;
};

struct Completion {
  std::uint64_t tag = 0;
  /// 0, or a positive errno.
  int error = 0;
  /// May be less than was asked for; 0 of a read: the file ends here. Not set where it is all or nothing.
  Bytes length{};
};

}  // namespace cowshed::io
