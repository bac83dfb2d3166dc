// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/units.h"
#include "io/backend.h"
#include "io/end.h"
#include "io/extent.h"
#include "io/pace.h"
#include "io/priority.h"

/// The copy engine: extents from one file or block device to another, many requests at a time.
///
/// Extents are gathered into buffers: neighbours in the source are read in one request, neighbours in the
/// target written in one. A buffer is read as a whole, then written as a whole, while others are in the other
/// phase; so reading, writing and the disk's queue overlap. See docs/copying.md.
namespace cowshed::io {

/// Told the bytes dealt with so far, in any order: copied, shared, or found to be zeros. Called by the thread
/// that copies. What it throws ends the copy.
using CopyProgress = std::function<void(Bytes done)>;

/// What becomes of blocks of zeros in the source (whole blocks of CopyOptions::zero_block in the target).
enum class Zeroes {
  /// Written as any other data.
  write,
  /// Left out: the target is new and reads as zeros there.
  skip,
  /// Holes in the target, or written where it has none.
  punch,
};

enum class ZeroSearch {
  /// Blocks of zeros are looked for in what was read.
  content,
  /// Only the source's holes are zeros, and they are not read: the data passes without the processor looking
  /// at it. But with Zeroes::punch, where the target is a hole, blocks of zeros are looked for all the same:
  /// it is to stay one.
  holes,
};

enum class Sharing {
  never,
  /// Extents are shared with the source, or copied by a file server, where the file systems can and the
  /// extent is at least CopyOptions::shortest_share long. What cannot be shared is copied.
  where_possible,
};

struct CopyOptions {
  BackendFactory backend = open_backend;
  /// Requests under way at a time; 0: the engine chooses.
  unsigned depth = 0;
  /// Upper bound of what one copy allocates, whatever it copies. Less than 256 KiB is refused.
  Bytes memory = mebibytes(64);
  Zeroes zeroes = Zeroes::write;
  ZeroSearch zero_search = ZeroSearch::content;
  /// A multiple of 4 KiB, up to 1 MiB.
  Bytes zero_block = kibibytes(4);
  Sharing sharing = Sharing::where_possible;
  /// Shorter extents would shred the target.
  Bytes shortest_share = kibibytes(64);
  /// Reading and writing of this many bytes begins in a second, on average (Pace).
  std::optional<Bytes> bytes_per_second = std::nullopt;
  Priority priority = Priority::inherited;
  /// fdatasync(2) of the target at the end.
  bool sync = true;
  CopyProgress progress = nullptr;
  /// Asked to stop, it does so before the next request (copy_extents()).
  std::stop_token stop = {};
  Clock* clock = &steady_clock();
};

struct CopyReport {
  /// Bytes read and written; shared; found to be zeros and not written.
  Bytes copied, shared, zeroes;
  /// Requests, those for what was left of a short one included.
  std::uint64_t reads = 0, writes = 0;
  /// What was allocated.
  Bytes memory;
  /// Backend::name().
  std::string_view backend;
};

/// Copies what `extents` gives, in no particular order: extents must not overlap in the target, nor the
/// target with the source. Bytes of the target outside of them are not touched; a file grows where an extent
/// goes beyond its end. Blocks; the calling thread does the work and runs the callbacks. An End is for one
/// copy at a time.
///
/// Throws Error. The message names the side, the offset and the length at which the kernel refused ("write
/// 4096 bytes at offset 8192 of 'root.img': No space left on device"); an unreadable or unwritable place in a
/// longer request (EIO) is narrowed down to its 4 KiB. A source that ends within an extent is corrupt_image,
/// a stop that was asked for is interrupted; what `extents` and `progress` throw comes through as it is.
///
/// However it ends, nothing is under way any more. Where it throws, every byte of an extent's target is
/// either as it was or as it should be, and nothing was synced: copying the same again is right.
CopyReport copy_extents(const ExtentStream& extents, const End& source, const End& target,
                        const CopyOptions& options);

}  // namespace cowshed::io
