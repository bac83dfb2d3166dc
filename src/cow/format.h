// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/units.h"

/// dm-snapshot's persistent exception store, version 1, as it lies on disk (docs/formats/cow.md; source:
/// drivers/md/dm-snap-persistent.c). Pure: no descriptors, no kernel.
///
///   chunk 0          header
///   then areas       one metadata chunk of chunk_size / 16 entries, followed by as many data chunks
namespace cowshed::cow {

/// The store's unit: old data is kept in whole chunks. A power of two, 512 B to 1 MiB here (the kernel takes
/// up to 2^31 sectors; nobody means that).
class ChunkSize {
 public:
  /// Throws Error invalid_argument.
  explicit ChunkSize(Bytes bytes);
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] Sectors sectors() const { return to_sectors(bytes_); }
  /// Chunks that cover `size`; the last may stand over.
  [[nodiscard]] std::uint64_t chunks_in(Bytes size) const {
    return (size.count + bytes_.count - 1) / bytes_.count;
  }
  /// Entries of one metadata chunk.
  [[nodiscard]] std::uint64_t entries_per_area() const { return bytes_.count / 16; }
  auto operator<=>(const ChunkSize&) const = default;

 private:
  Bytes bytes_;
};

/// A state of an image: the file, and when it was last written (ns since the epoch).
struct ImageState {
  std::uint64_t inode = 0;
  std::uint64_t modified = 0;
  bool operator==(const ImageState&) const = default;
};

/// The last two are cowshed's own; nothing in what the kernel wrote, which fills the header with zeros.
struct Header {
  ChunkSize chunk_size;
  /// The size of the image into which the store is merged, afterwards.
  std::optional<Bytes> restores = std::nullopt;
  /// The one state of the image into which it may be merged.
  std::optional<ImageState> changes = std::nullopt;
};

/// An exception: old chunk `old_chunk` of the origin is kept in chunk `new_chunk` of the store.
struct Exception {
  std::uint64_t old_chunk = 0;
  std::uint64_t new_chunk = 0;
};

constexpr std::size_t header_size = 40;
constexpr std::size_t exception_size = 16;

/// Nothing for an all-zero header: an empty store, which the kernel initialises when it first loads it.
/// Throws Error corrupt_image for a wrong magic or version, a cleared valid flag, or a chunk size that cannot
/// be.
std::optional<Header> parse_header(std::span<const std::byte, header_size> raw);
Exception parse_exception(std::span<const std::byte, exception_size> raw);

void write_header(const Header& header, std::span<std::byte, header_size> raw);
/// Sets the valid flag where the kernel has cleared it, and nothing else; false where it was not so.
bool mark_valid(std::span<std::byte, header_size> raw);
void write_exception(const Exception& exception, std::span<std::byte, exception_size> raw);

/// Where the metadata chunk of area `index` lies.
std::uint64_t metadata_chunk(ChunkSize chunk_size, std::uint64_t index);
bool is_metadata_chunk(ChunkSize chunk_size, std::uint64_t chunk);
/// Where the kernel puts the data of exception `index`, counted from 0.
std::uint64_t data_chunk(ChunkSize chunk_size, std::uint64_t index);
/// What a store with so many exceptions takes, the metadata chunk included that the kernel wants to read
/// behind a full area.
Bytes size_with(ChunkSize chunk_size, std::uint64_t exceptions);

/// What a persistent store needs so that it cannot overflow even when all of `origin` is rewritten. One
/// sector less and the kernel invalidates it (measured).
Bytes persistent_size(Bytes origin, ChunkSize chunk_size);
/// The same for a transient store, which has no metadata.
Bytes transient_size(Bytes origin, ChunkSize chunk_size);

}  // namespace cowshed::cow
