// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/file.h"
#include "cow/store.h"

/// A persistent exception store in a file.
namespace cowshed::layers {

/// Chunk of a base cow. Large enough that a session's first writes are not a flush each, small enough to keep
/// the copying of small writes cheap; the kernel's memory for 10 GiB is 2 MiB at most.
inline const cow::ChunkSize base_chunk{kibibytes(64)};
/// Chunk of a snapshot volume's transient cow (peers.md: 64 sectors, the measured optimum for start and
/// memory).
inline const cow::ChunkSize upper_chunk{kibibytes(32)};

/// Header and first entry say that nothing was changed. Throws corrupt_image naming the file.
bool is_clean_store(const Path& file);
/// Every entry is looked at. Throws corrupt_image naming the file.
cow::StoreSummary check_store_file(const Path& file, Bytes origin);

}  // namespace cowshed::layers
