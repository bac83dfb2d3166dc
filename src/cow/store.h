// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"
#include "cow/format.h"
#include "cow/reader.h"

namespace cowshed::cow {

struct StoreSummary {
  /// Nothing: an all-zero store the kernel has not seen yet.
  std::optional<Header> header;
  std::uint64_t exceptions = 0;
  /// No exception: nothing was changed.
  [[nodiscard]] bool is_clean() const { return exceptions == 0; }
};

/// Reads all of a store's metadata with all of Reader's checks. Throws Error corrupt_image.
StoreSummary check_store(const ReadAt& read, Bytes size, Bytes origin);

/// Header and first entry only: has anything been changed?
bool is_clean(const ReadAt& read, Bytes size);

}  // namespace cowshed::cow
