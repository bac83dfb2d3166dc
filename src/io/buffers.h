// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "base/units.h"

namespace cowshed::io {

/// Memory for direct I/O: whole pages, large ones where the kernel has them to give; used up only as far as
/// it is written to. Freed by the destructor.
class Buffers {
 public:
  /// Throws Error where there is none.
  explicit Buffers(Bytes size);
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers();

  [[nodiscard]] std::span<std::byte> all() const { return memory_; }

 private:
  std::span<std::byte> memory_;
};

}  // namespace cowshed::io
