// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "cow/format.h"

namespace cowshed::cow {

/// Writes all of `data` at `offset` of the store or throws.
using WriteAt = std::function<void(Bytes offset, std::span<const std::byte> data)>;

/// Writes the metadata of a new store into a file of zeros; the data goes where add() says, by whoever copies
/// it. Sorted by old chunk, so that the kernel loads it faster and into less memory (neighbours share an
/// entry there). The header comes last: without it the kernel takes the store for an empty one. Takes one
/// metadata chunk of memory.
class Writer {
 public:
  Writer(WriteAt write, Header header);

  /// Returns the chunk of the store in which the old content belongs. Old chunks must rise; throws Error
  /// invalid_argument.
  std::uint64_t add(std::uint64_t old_chunk);
  /// Returns how large the store must be (size_with); nothing may be added any more.
  Bytes finish();

 private:
  void write_area();

  WriteAt write_;
  Header header_;
  std::vector<std::byte> area_;
  std::uint64_t count_ = 0;
  std::optional<std::uint64_t> last_;
};

}  // namespace cowshed::cow
