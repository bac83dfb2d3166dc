// SPDX-License-Identifier: Apache-2.0
#include "cow/writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/error.h"
#include "cow/reader.h"
#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::cow {
namespace {

using test::between;
using test::expect_error;

/// A file of zeros that grows.
class Memory {
 public:
  WriteAt writer() {
    return [this](Bytes offset, std::span<const std::byte> data) {
      bytes_.resize(std::max(bytes_.size(), offset.count + data.size()));
      std::ranges::copy(data, bytes_.begin() + static_cast<std::ptrdiff_t>(offset.count));
    };
  }
  ReadAt reader() {
    return [this](Bytes offset, std::span<std::byte> into) {
      ASSERT_LE(offset.count + into.size(), bytes_.size());
      std::memcpy(into.data(), bytes_.data() + offset.count, into.size());
    };
  }
  void set_size(Bytes size) { bytes_.resize(size.count); }
  [[nodiscard]] Bytes size() const { return {bytes_.size()}; }

 private:
  std::vector<std::byte> bytes_;
};

const ChunkSize chunk(kibibytes(4));

TEST(CowWriter, what_is_written_is_read_back_in_order) {
  std::mt19937_64 random(test::seed());
  // Around the ends of areas.
  for (const std::size_t count : {0u, 1u, 255u, 256u, 257u, 512u, 700u}) {
    std::set<std::uint64_t> old_chunks;
    while (old_chunks.size() < count) old_chunks.insert(between(random, 0, 99'999));
    Memory memory;
    Writer writer(memory.writer(), {chunk});
    std::vector<Exception> added;
    added.reserve(count);
    for (const auto old_chunk : old_chunks) added.push_back({old_chunk, writer.add(old_chunk)});
    memory.set_size(writer.finish());
    Reader reader(memory.reader(), memory.size(), chunk.bytes() * 100'000);
    for (const auto& expected : added) {
      const auto entry = reader.next();
      ASSERT_TRUE(entry);
      EXPECT_EQ(entry->old_chunk, expected.old_chunk);
      EXPECT_EQ(entry->new_chunk, expected.new_chunk);
    }
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.next()) << "the end stays the end";
  }
}

TEST(CowWriter, data_goes_where_the_kernel_puts_it) {
  EXPECT_EQ(data_chunk(chunk, 0), 2u);
  EXPECT_EQ(data_chunk(chunk, 255), 257u);
  EXPECT_EQ(data_chunk(chunk, 256), 259u);
}

TEST(CowWriter, the_size_that_a_revision_restores_is_kept) {
  Memory memory;
  Writer writer(memory.writer(), {chunk, to_bytes(Sectors{123})});
  memory.set_size(writer.finish());
  const Reader reader(memory.reader(), memory.size(), mebibytes(1));
  EXPECT_EQ(reader.header()->chunk_size, chunk);
  EXPECT_EQ(reader.header()->restores, to_bytes(Sectors{123}));
}

TEST(CowWriter, a_store_that_was_not_finished_is_an_empty_one) {
  Memory memory;
  Writer writer(memory.writer(), {chunk});
  for (std::uint64_t i = 0; i < 256; ++i) writer.add(i);
  EXPECT_FALSE(Reader(memory.reader(), memory.size(), mebibytes(2)).header());
}

TEST(CowWriter, old_chunks_that_do_not_rise_are_refused) {
  Memory memory;
  Writer writer(memory.writer(), {chunk});
  writer.add(5);
  for (const std::uint64_t old_chunk : {5u, 4u})
    expect_error(ErrorKind::invalid_argument, [&] { writer.add(old_chunk); });
}

}  // namespace
}  // namespace cowshed::cow
