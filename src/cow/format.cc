// SPDX-License-Identifier: Apache-2.0
#include "cow/format.h"

#include <fmt/core.h>

#include <bit>

#include "base/error.h"

namespace cowshed::cow {

namespace {

constexpr std::uint32_t magic = 0x70416e53;  // "SnAp", little endian
constexpr std::uint32_t version = 1;
constexpr std::size_t restores_at = 16;
constexpr std::size_t inode_at = 24;
constexpr std::size_t modified_at = 32;
constexpr Bytes min_chunk{512};
constexpr Bytes max_chunk = mebibytes(1);

template <typename Int>
Int little_endian(std::span<const std::byte> raw) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) value |= static_cast<Int>(raw[i]) << (8 * i);
  return value;
}

template <typename Int>
void put_little_endian(Int value, std::span<std::byte> raw) {
  for (std::size_t i = 0; i < sizeof(Int); ++i) raw[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

bool is_chunk_size(Bytes bytes) {
  return std::has_single_bit(bytes.count) && bytes >= min_chunk && bytes <= max_chunk;
}

Error corrupt(std::string why) { return {ErrorKind::corrupt_image, std::move(why)}; }

}  // namespace

ChunkSize::ChunkSize(Bytes bytes) : bytes_(bytes) {
  if (!is_chunk_size(bytes))
    throw Error(ErrorKind::invalid_argument,
                fmt::format("chunk size {} is not a power of two from 512 bytes to 1 MiB", bytes.count));
}

std::optional<Header> parse_header(std::span<const std::byte, header_size> raw) {
  const auto word = [&](std::size_t index) {
    return little_endian<std::uint32_t>(raw.subspan(4 * index, 4));
  };
  if (word(0) == 0 && word(1) == 0 && word(2) == 0 && word(3) == 0) return std::nullopt;
  if (word(0) != magic)
    throw corrupt(fmt::format("no snapshot store: magic is {:#010x}, not {:#010x}", word(0), magic));
  if (word(1) != 1) throw corrupt("the kernel has marked the snapshot store invalid");
  if (word(2) != version) throw corrupt(fmt::format("snapshot store of unknown version {}", word(2)));
  const Bytes chunk = to_bytes(Sectors{word(3)});
  if (!is_chunk_size(chunk))
    throw corrupt(fmt::format("snapshot store with an impossible chunk size of {} sectors", word(3)));
  Header header{ChunkSize(chunk)};
  if (const auto size = little_endian<std::uint64_t>(raw.subspan<restores_at, 8>()); size != 0)
    header.restores = Bytes{size};
  if (const auto inode = little_endian<std::uint64_t>(raw.subspan<inode_at, 8>()); inode != 0)
    header.changes = {inode, little_endian<std::uint64_t>(raw.subspan<modified_at, 8>())};
  return header;
}

void write_header(const Header& header, std::span<std::byte, header_size> raw) {
  const std::uint32_t words[] = {magic, 1, version,
                                 static_cast<std::uint32_t>(header.chunk_size.sectors().count)};
  for (std::size_t i = 0; i < std::size(words); ++i) put_little_endian(words[i], raw.subspan(4 * i, 4));
  put_little_endian(header.restores.value_or(Bytes{0}).count, raw.subspan<restores_at, 8>());
  const ImageState changes = header.changes.value_or(ImageState{});
  put_little_endian(changes.inode, raw.subspan<inode_at, 8>());
  put_little_endian(changes.modified, raw.subspan<modified_at, 8>());
}

bool mark_valid(std::span<std::byte, header_size> raw) {
  const auto word = [&](std::size_t index) { return raw.subspan(4 * index, 4); };
  if (little_endian<std::uint32_t>(word(0)) != magic || little_endian<std::uint32_t>(word(1)) != 0)
    return false;
  put_little_endian(std::uint32_t{1}, word(1));
  return true;
}

void write_exception(const Exception& exception, std::span<std::byte, exception_size> raw) {
  put_little_endian(exception.old_chunk, raw.first(8));
  put_little_endian(exception.new_chunk, raw.subspan(8, 8));
}

Exception parse_exception(std::span<const std::byte, exception_size> raw) {
  return {little_endian<std::uint64_t>(raw.first(8)), little_endian<std::uint64_t>(raw.subspan(8, 8))};
}

std::uint64_t metadata_chunk(ChunkSize chunk_size, std::uint64_t index) {
  return 1 + index * (chunk_size.entries_per_area() + 1);
}

bool is_metadata_chunk(ChunkSize chunk_size, std::uint64_t chunk) {
  return chunk != 0 && (chunk - 1) % (chunk_size.entries_per_area() + 1) == 0;
}

std::uint64_t data_chunk(ChunkSize chunk_size, std::uint64_t index) {
  const std::uint64_t entries = chunk_size.entries_per_area();
  return metadata_chunk(chunk_size, index / entries) + 1 + index % entries;
}

Bytes size_with(ChunkSize chunk_size, std::uint64_t exceptions) {
  return chunk_size.bytes() * (exceptions + exceptions / chunk_size.entries_per_area() + 2);
}

Bytes persistent_size(Bytes origin, ChunkSize chunk_size) {
  return size_with(chunk_size, chunk_size.chunks_in(origin));
}

Bytes transient_size(Bytes origin, ChunkSize chunk_size) {
  return chunk_size.bytes() * chunk_size.chunks_in(origin);
}

}  // namespace cowshed::cow
