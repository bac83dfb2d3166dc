// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/units.h"
#include "cow/format.h"

namespace cowshed::cow {

/// Reads `into.size()` bytes at `offset` of the store or throws.
using ReadAt = std::function<void(Bytes offset, std::span<std::byte> into)>;

struct StoreSummary {
  /// Nothing: an all-zero store the kernel has not seen yet.
  std::optional<ChunkSize> chunk_size;
  std::uint64_t exceptions = 0;
  /// No exception: nothing was changed.
  [[nodiscard]] bool is_clean() const { return exceptions == 0; }
};

/// Reads all of a store's metadata, one chunk at a time, and checks what the kernel would believe without a
/// word: every entry must point into the store, at a data chunk, and at a chunk of the origin. `size` is the
/// store's, `origin` the origin's size. Throws Error corrupt_image.
StoreSummary check_store(const ReadAt& read, Bytes size, Bytes origin);

/// Header and first entry only: has anything been changed?
bool is_clean(const ReadAt& read, Bytes size);

}  // namespace cowshed::cow
