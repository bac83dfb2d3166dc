// SPDX-License-Identifier: Apache-2.0
#include "cow/format.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "support/errors.h"

namespace cowshed::cow {
namespace {

using test::expect_error;

std::array<std::byte, header_size> header(std::uint32_t magic, std::uint32_t valid, std::uint32_t version,
                                          std::uint32_t chunk_sectors) {
  const std::uint32_t words[] = {magic, valid, version, chunk_sectors};
  std::array<std::byte, header_size> raw{};
  std::memcpy(raw.data(), words, sizeof words);  // the tests run on little-endian machines only
  return raw;
}

constexpr std::uint32_t snap_magic = 0x70416e53;

TEST(CowFormat, the_magic_is_the_text_SnAp) {
  const auto raw = header(snap_magic, 1, 1, 8);
  EXPECT_EQ(std::memcmp(raw.data(), "SnAp", 4), 0);
}

TEST(CowFormat, a_header_gives_the_chunk_size) {
  const auto parsed = parse_header(header(snap_magic, 1, 1, 8));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->chunk_size.bytes(), kibibytes(4));
}

TEST(CowFormat, an_all_zero_header_is_an_empty_store) {
  EXPECT_FALSE(parse_header(header(0, 0, 0, 0)).has_value());
}

TEST(CowFormat, what_cowshed_adds_to_a_header_is_read_again_and_absent_from_the_kernels) {
  const Header written{ChunkSize(kibibytes(32)), mebibytes(3), ImageState{17, 1234567890123456789}};
  std::array<std::byte, header_size> raw{};
  write_header(written, raw);
  const auto parsed = parse_header(raw).value();
  EXPECT_EQ(parsed.restores, written.restores);
  EXPECT_EQ(parsed.changes, written.changes);
  const auto of_kernel = parse_header(header(snap_magic, 1, 1, 8)).value();
  EXPECT_FALSE(of_kernel.restores || of_kernel.changes);
}

TEST(CowFormat, headers_that_cannot_be_are_refused) {
  for (const auto& raw :
       {header(0x12345678, 1, 1, 8), header(snap_magic, 0, 1, 8), header(snap_magic, 1, 2, 8),
        header(snap_magic, 1, 1, 0), header(snap_magic, 1, 1, 9), header(snap_magic, 1, 1, 1u << 30)})
    expect_error(ErrorKind::corrupt_image, [&] { parse_header(raw); });
}

TEST(CowFormat, chunk_sizes_are_powers_of_two_from_a_sector_to_a_mebibyte) {
  EXPECT_NO_THROW(ChunkSize(Bytes{512}));
  EXPECT_NO_THROW(ChunkSize(mebibytes(1)));
  for (const std::uint64_t bytes : {0ull, 256ull, 513ull, 3072ull, 2097152ull})
    expect_error(ErrorKind::invalid_argument, [&] { ChunkSize{Bytes{bytes}}; });
}

TEST(CowFormat, metadata_chunks_are_followed_by_as_many_data_chunks_as_they_have_entries) {
  const ChunkSize chunk(kibibytes(4));
  EXPECT_EQ(chunk.entries_per_area(), 256u);
  EXPECT_EQ(metadata_chunk(chunk, 0), 1u);
  EXPECT_EQ(metadata_chunk(chunk, 1), 258u);
}

TEST(CowFormat, a_full_store_has_room_for_header_every_chunk_and_every_area) {
  const ChunkSize chunk(kibibytes(4));
  EXPECT_EQ(persistent_size(kibibytes(4), chunk), kibibytes(12));
  EXPECT_EQ(persistent_size(Bytes{4097}, chunk), kibibytes(16));
  // 256 chunks fill an area, and the kernel then begins the next.
  EXPECT_EQ(persistent_size(mebibytes(1), chunk), kibibytes(1036));
  EXPECT_EQ(transient_size(Bytes{4097}, chunk), kibibytes(8));
}

}  // namespace
}  // namespace cowshed::cow
