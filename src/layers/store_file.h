// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/file.h"
#include "cow/sorted.h"
#include "cow/store.h"
#include "cow/writer.h"

/// A persistent exception store in a file.
namespace cowshed::layers {

/// Chunk of a base cow. Large enough that a session's first writes are not a flush each, small enough to keep
/// the copying of small writes cheap; the kernel's memory for 10 GiB is 2 MiB at most.
inline const cow::ChunkSize base_chunk{kibibytes(64)};
/// Chunk of an overlay: each new one costs a flush, too.
inline const cow::ChunkSize overlay_chunk{kibibytes(64)};
/// Chunk of a snapshot volume's transient cow (peers.md: 64 sectors, the measured optimum for start and
/// memory).
inline const cow::ChunkSize upper_chunk{kibibytes(32)};

/// For cow's readers and writers. The descriptor is to outlive what is returned.
cow::ReadAt read_from(const Fd& fd);
/// The same for a list of exceptions. Its areas lie far from each other; the kernel is asked for some of them
/// ahead, so that the disk is not waited for at each.
cow::ReadAt read_areas_from(const Fd& fd);
/// The same from a descriptor that was opened O_DIRECT.
cow::ReadAt read_directly_from(const Fd& fd);
cow::WriteAt write_to(const Fd& fd);
/// The same, with errors that name the file: where no caller does.
cow::WriteAt write_to(const Fd& fd, const Path& name);

/// A new store without exceptions, for an origin of `origin` bytes and large enough that it can never
/// overflow; there after a power loss.
void create_store_file(const Path& file, Bytes origin, cow::Header header);

/// Grows it, durably, to what it takes to keep all of an origin of `origin` bytes. True where it was smaller:
/// other programs make it as large as the origin, and it would overflow.
bool make_room(const Path& file, Bytes origin);

/// The kernel marks a store invalid that it could not write to; the header says valid again afterwards. Right
/// for a session's overlay, which still holds every write that was acknowledged (measured); never for a base
/// cow. True where it was invalid.
bool make_valid(const Path& file);

/// Whether make_valid() has something to do.
bool is_marked_invalid(const Path& file);

/// Writes into the header which size the store restores, where it does not say so: the image is about to get
/// another one. The kernel writes the header only when it makes a store or gives it up.
void remember_size(const Path& file, Bytes size);

/// Writes into the header what merging the store is good for.
void remember_purpose(const Path& file, Bytes restores, const std::optional<cow::ImageState>& changes);

/// Header and first entry say that nothing was changed. Throws corrupt_image naming the file.
bool is_clean_store(const Path& file);
/// And merged into an image of that size it would leave that, too.
bool changes_nothing(const Path& file, Bytes image);
/// Nothing: the kernel has not used it yet. Throws corrupt_image naming the file.
std::optional<cow::Header> read_header(const Path& file);
/// As its header says. Throws corrupt_image naming the file.
cow::ChunkSize store_chunk(const Path& file);
/// Every entry is looked at. Throws corrupt_image naming the file.
cow::StoreSummary check_store_file(const Path& file, Bytes origin);

}  // namespace cowshed::layers
