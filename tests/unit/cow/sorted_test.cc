// SPDX-License-Identifier: Apache-2.0
#include "cow/sorted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "base/error.h"
#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::cow {
namespace {

const ChunkSize chunk(kibibytes(4));
constexpr std::uint64_t origin_chunks = 100'000;

/// A store whose exceptions were made in this order; its data is never read.
class Store {
 public:
  explicit Store(const std::vector<std::uint64_t>& old_chunks)
      : bytes_(size_with(chunk, old_chunks.size()).count) {
    write_header({chunk}, std::span(bytes_).first<header_size>());
    for (std::uint64_t i = 0; i < old_chunks.size(); ++i) set(i, {old_chunks[i], data_chunk(chunk, i)});
  }
  void set(std::uint64_t index, Exception exception) {
    const std::uint64_t each = chunk.entries_per_area();
    const std::uint64_t at =
        metadata_chunk(chunk, index / each) * chunk.bytes().count + index % each * exception_size;
    write_exception(exception, std::span(bytes_).subspan(at).first<exception_size>());
  }
  SortedExceptions sorted(std::uint64_t held) {
    return {[this](Bytes offset, std::span<std::byte> into) {
              ++reads_;
              std::memcpy(into.data(), bytes_.data() + offset.count, into.size());
            },
            Bytes{bytes_.size()}, chunk.bytes() * origin_chunks, held};
  }
  [[nodiscard]] int reads() const { return reads_; }

 private:
  std::vector<std::byte> bytes_;
  int reads_ = 0;
};

std::vector<std::uint64_t> shuffled(std::size_t count, std::mt19937_64& random) {
  std::vector<std::uint64_t> all(origin_chunks);
  std::iota(all.begin(), all.end(), 0);
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

TEST(SortedExceptions, whatever_the_order_and_the_memory_they_rise_and_keep_their_data) {
  std::mt19937_64 random(test::seed());
  for (const std::size_t count : {0u, 1u, 2u, 255u, 256u, 257u, 3000u}) {
    const auto old_chunks = shuffled(count, random);
    for (const std::uint64_t held : {1u, 7u, 256u, 100'000u}) {
      if (count / held > 500) continue;
      Store store(old_chunks);
      auto sorted = store.sorted(held);
      EXPECT_EQ(sorted.count(), count);
      std::vector<std::uint64_t> found;
      while (const auto exception = sorted.next()) {
        const auto made = std::ranges::find(old_chunks, exception->old_chunk);
        ASSERT_NE(made, old_chunks.end());
        EXPECT_EQ(exception->new_chunk,
                  data_chunk(chunk, static_cast<std::uint64_t>(made - old_chunks.begin())));
        found.push_back(exception->old_chunk);
      }
      EXPECT_EQ(found.size(), count) << "held " << held;
      EXPECT_TRUE(std::ranges::is_sorted(found));
      EXPECT_FALSE(sorted.next()) << "the end stays the end";
    }
  }
}

TEST(SortedExceptions, the_list_is_read_no_more_often_than_memory_asks_for) {
  std::mt19937_64 random(test::seed());
  const auto old_chunks = shuffled(3000, random);
  Store all(old_chunks), tenths(old_chunks);
  auto at_once = all.sorted(3000), in_parts = tenths.sorted(300);
  while (at_once.next()) continue;
  while (in_parts.next()) continue;
  EXPECT_LE(tenths.reads(), 12 * all.reads());
}

TEST(SortedExceptions, nothing_is_given_of_a_store_whose_last_entry_is_wrong) {
  std::vector<std::uint64_t> old_chunks(1000);
  std::iota(old_chunks.begin(), old_chunks.end(), 0);
  Store store(old_chunks);
  store.set(999, {origin_chunks, data_chunk(chunk, 999)});
  test::expect_error(ErrorKind::corrupt_image, [&] { store.sorted(100); });
}

}  // namespace
}  // namespace cowshed::cow
