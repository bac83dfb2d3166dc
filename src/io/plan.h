// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "io/copy.h"

namespace cowshed::io {

/// What a copy allocates before it begins. It allocates nothing that grows with what is copied.
struct Plan {
  unsigned depth = 0;
  std::size_t batches = 0;
  /// Of one batch: buffer, extents, and requests of one phase at most.
  Bytes buffer;
  std::size_t pieces = 0;
  /// Long extents are cut at multiples of this in the target, so that each block of zeros is in one buffer.
  Bytes cut;
  std::size_t transfers = 0;
  /// All of it together.
  Bytes memory;
};

/// Buffers large enough for long requests, and enough of them to keep the disk's queue filled, as far as the
/// budget goes; no larger, so that what they hold stays in the processor's cache. Throws Error
/// invalid_argument for options that cannot be.
Plan plan_copy(const CopyOptions& options);

}  // namespace cowshed::io
