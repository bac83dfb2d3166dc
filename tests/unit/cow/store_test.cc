// SPDX-License-Identifier: Apache-2.0
#include "cow/store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/error.h"
#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::cow {
namespace {

using test::between;
using test::expect_error;

/// A store in memory, written by the test's own hand.
class Store {
 public:
  explicit Store(std::size_t chunks) : bytes_(chunks * chunk) {
    put<std::uint32_t>(0, 0x70416e53);
    put<std::uint32_t>(4, 1);
    put<std::uint32_t>(8, 1);
    put<std::uint32_t>(12, chunk / 512);
  }
  template <typename Int>
  void put(std::size_t offset, Int value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }
  void entry(std::size_t index, std::uint64_t old_chunk, std::uint64_t new_chunk) {
    const std::size_t area = index / entries;
    const std::size_t at = (1 + area * (entries + 1)) * chunk + index % entries * 16;
    put(at, old_chunk);
    put(at + 8, new_chunk);
  }
  StoreSummary check(Bytes origin = gibibytes(1)) { return check_store(reader(), size(), origin); }
  bool clean() { return is_clean(reader(), size()); }
  std::vector<std::byte>& bytes() { return bytes_; }

  static constexpr std::size_t chunk = 4096;
  static constexpr std::size_t entries = chunk / 16;

 private:
  [[nodiscard]] Bytes size() const { return {bytes_.size()}; }
  ReadAt reader() {
    return [this](Bytes offset, std::span<std::byte> into) {
      ASSERT_LE(offset.count + into.size(), bytes_.size()) << "read behind the end";
      std::memcpy(into.data(), bytes_.data() + offset.count, into.size());
    };
  }
  std::vector<std::byte> bytes_;
};

TEST(CowStore, a_header_alone_is_clean) {
  Store store(2);
  EXPECT_TRUE(store.clean());
  EXPECT_EQ(store.check().exceptions, 0u);
}

TEST(CowStore, one_exception_makes_it_dirty) {
  Store store(3);
  store.entry(0, 7, 2);
  EXPECT_FALSE(store.clean());
  EXPECT_EQ(store.check().exceptions, 1u);
}

TEST(CowStore, exceptions_are_counted_across_areas) {
  Store store(2 * (Store::entries + 1) + 1);
  const auto data_chunk = [](std::size_t i) { return 2 + i + i / Store::entries; };
  for (std::size_t i = 0; i < Store::entries + 1; ++i) store.entry(i, i, data_chunk(i));
  EXPECT_EQ(store.check().exceptions, Store::entries + 1);
}

TEST(CowStore, a_store_that_ends_where_an_area_is_full_is_refused_as_by_the_kernel) {
  for (const std::size_t missing : {0u, 1u}) {
    Store store(Store::entries + 3 - missing);
    for (std::size_t i = 0; i < Store::entries; ++i) store.entry(i, i, 2 + i);
    if (missing == 0)
      EXPECT_EQ(store.check().exceptions, Store::entries);
    else
      expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
  }
}

TEST(CowStore, entries_that_point_nowhere_are_refused) {
  for (const auto& [old_chunk, new_chunk] : {std::pair{0ull, 3ull}, {0ull, 1ull}, {1ull << 40, 2ull}}) {
    Store store(3);
    store.entry(0, old_chunk, new_chunk);
    expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
  }
}

TEST(CowStore, two_entries_for_one_chunk_are_refused) {
  Store store(5);
  store.entry(0, 7, 2);
  store.entry(1, 7, 3);
  expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
}

TEST(CowStore, two_entries_that_share_their_data_are_refused) {
  Store store(5);
  store.entry(0, 7, 2);
  store.entry(1, 8, 2);
  expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
}

TEST(CowStore, what_lies_behind_the_end_of_the_list_does_not_count) {
  Store store(5);
  store.entry(0, 7, 2);
  store.entry(2, 1ull << 40, 3);
  EXPECT_EQ(store.check().exceptions, 1u);
}

TEST(CowStore, a_truncated_store_is_refused) {
  Store store(1);
  expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
  expect_error(ErrorKind::corrupt_image, [&] { store.clean(); });
  store.bytes().resize(8);
  expect_error(ErrorKind::corrupt_image, [&] { store.check(); });
}

TEST(CowStore, random_bytes_never_read_outside_the_store) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 2000; ++round) {
    Store store(between(random, 1, 8));
    for (int i = 0; i < 24; ++i)
      store.bytes()[between(random, 8, store.bytes().size() - 1)] =
          static_cast<std::byte>(between(random, 0, 255));
    try {
      store.check(mebibytes(1));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt_image);
    }
  }
}

}  // namespace
}  // namespace cowshed::cow
