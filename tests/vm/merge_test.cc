// SPDX-License-Identifier: Apache-2.0
// Merging a store into an image, against the kernel's own snapshot-merge target on a copy of both.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "dm/device.h"
#include "layers/merge.h"
#include "layers/store_file.h"
#include "support/errors.h"
#include "support/long_run.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

using Contents = std::vector<std::byte>;

std::size_t rounds() { return is_long_run() ? 10'000 : 300; }

class MergeTest : public VmTest {
 protected:
  std::uint64_t any(std::uint64_t low, std::uint64_t high) { return between(random_, low, high); }

  Contents noise(std::size_t size) {
    Contents bytes(size);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) {
      if (i % 8 == 0) word = random_();
      bytes[i] = static_cast<std::byte>(word >> (i % 8 * 8));
    }
    return bytes;
  }

  Path file_with(const std::string& name, const Contents& contents) {
    Path file = scratch() / name;
    unlink_if_exists(file);
    const Fd fd = create_sparse(file, Bytes{contents.size()});
    // Zeros are left out, as in the files of volumes.
    for (std::size_t at = 0; at < contents.size(); at += 4096) {
      const auto block = std::span(contents).subspan(at, std::min<std::size_t>(4096, contents.size() - at));
      if (std::ranges::any_of(block, [](std::byte byte) { return byte != std::byte{0}; }))
        write_to(fd)(Bytes{at}, block);
    }
    sync_file(fd, file);
    return file;
  }
  static cow::WriteAt write_to(const Fd& fd) { return layers::write_to(fd); }

  static Contents contents_of(const Path& file) {
    Contents bytes(stat_if_exists(file)->size.count);
    const Fd fd = open_file(file, O_RDONLY);
    layers::read_from(fd)({}, bytes);
    return bytes;
  }

  Path copy_of(const Path& file, const std::string& name) {
    Path copy = scratch() / name;
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
    return copy;
  }

  /// A store as a session leaves it: chunks in the order in which they were first written.
  Path random_store(cow::ChunkSize chunk, Bytes origin, std::uint64_t count);
  std::uint64_t random_count(cow::ChunkSize chunk, Bytes origin);
  void merge_by_the_kernel(const Path& store, const Path& image, cow::ChunkSize chunk);

 private:
  std::mt19937_64 random_{seed()};
};

Path MergeTest::random_store(cow::ChunkSize chunk, Bytes origin, std::uint64_t count) {
  std::vector<std::uint64_t> order(chunk.chunks_in(origin));
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::shuffle(order, random_);
  order.resize(count);
  // Some in runs, as when a guest writes a file.
  if (any(0, 1) == 0) std::ranges::sort(order);
  Contents bytes(cow::size_with(chunk, count).count);
  cow::write_header({chunk}, std::span(bytes).first<cow::header_size>());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t area = i / chunk.entries_per_area(), in_area = i % chunk.entries_per_area();
    const std::uint64_t at =
        cow::metadata_chunk(chunk, area) * chunk.bytes().count + in_area * cow::exception_size;
    const std::uint64_t to = cow::data_chunk(chunk, i);
    cow::write_exception({order[i], to}, std::span(bytes).subspan(at).first<cow::exception_size>());
    // What was discarded reads as zeros.
    if (any(0, 4) == 0) continue;
    std::ranges::copy(noise(chunk.bytes().count),
                      bytes.begin() + static_cast<std::ptrdiff_t>(to * chunk.bytes().count));
  }
  return file_with("store", bytes);
}

std::uint64_t MergeTest::random_count(cow::ChunkSize chunk, Bytes origin) {
  const std::uint64_t all = chunk.chunks_in(origin), area = chunk.entries_per_area();
  const std::uint64_t interesting[] = {0, 1, area - 1, area, area + 1, all, any(0, all), any(0, all)};
  return std::min(interesting[any(0, std::size(interesting) - 1)], all);
}

void MergeTest::merge_by_the_kernel(const Path& store, const Path& image, cow::ChunkSize chunk) {
  const auto image_loop = loop::Loop::attach(open_file(image, O_RDWR), image, {});
  const auto store_loop = loop::Loop::attach(open_file(store, O_RDWR), store, {});
  const Sectors length = to_sectors(stat_if_exists(image)->size);
  const dm::DmUuid uuid("COWSHED-TEST-merge");
  const auto device = dm::Device::bring_up(
      control(), dm::DmName("merge-test"), uuid,
      dm::whole_device(length, dm::SnapshotMerge{number_of(image_loop), number_of(store_loop),
                                                 dm::ExceptionStore::persistent, chunk.sectors()}));
  ASSERT_TRUE(eventually([&] {
    const auto status = dm::SnapshotStatus::parse(control().status(uuid).at(0).params);
    return status.state == dm::SnapshotStatus::State::active && status.allocated == status.metadata;
  }));
}

TEST_F(MergeTest, all_ways_give_what_the_kernels_own_merge_gives_and_what_was_replaced_gives_the_image_back) {
  std::map<std::uint64_t, int> tally;
  for (std::size_t round = 0; round < rounds(); ++round) {
    const cow::ChunkSize chunk(kibibytes(std::uint64_t{4} << any(0, 8)));
    const Bytes size = to_bytes(Sectors{any(1, 6144)});
    const std::uint64_t count = random_count(chunk, size);
    SCOPED_TRACE(fmt::format("round {}: chunks of {}, {} bytes, {} exceptions", round, chunk.bytes().count,
                             size.count, count));
    Contents before = noise(size.count);
    if (any(0, 2) == 0) std::fill_n(before.begin(), before.size() / 2, std::byte{0});
    const Path image = file_with("image", before);
    const Path store = random_store(chunk, size, count);
    layers::MergeStore opened(store, image);
    ASSERT_EQ(opened.survey().exceptions, count);

    const Path expected_image = copy_of(image, "kernel");
    merge_by_the_kernel(copy_of(store, "kernel-store"), expected_image, chunk);
    const Contents expected = contents_of(expected_image);

    const Path saved = scratch() / "saved";
    unlink_if_exists(saved);
    layers::save_replaced(opened, image, saved, nullptr);
    const Path new_image = scratch() / "new";
    ASSERT_TRUE(layers::merge_into_new_image(opened, image, new_image, true, nullptr));
    ASSERT_TRUE(contents_of(new_image) == expected) << "new image";
    const Path attached = copy_of(image, "attached");
    layers::merge_into_image(opened, attached, layers::ImageUse::attached, nullptr);
    ASSERT_TRUE(contents_of(attached) == expected) << "attached";
    ASSERT_TRUE(contents_of(image) == before);
    layers::merge_into_image(opened, image, layers::ImageUse::none, nullptr);
    ASSERT_TRUE(contents_of(image) == expected) << "in place";

    layers::MergeStore back(saved, image);
    layers::merge_into_image(back, image, layers::ImageUse::none, nullptr);
    ASSERT_TRUE(contents_of(image) == before) << "what was replaced";
    ++tally[chunk.bytes().count];
  }
  for (const auto& [bytes, times] : tally) RecordProperty(fmt::format("chunk_{}", bytes), times);
  EXPECT_EQ(tally.size(), 9u) << "not every chunk size came up";
}

TEST_F(MergeTest, a_store_that_restores_another_size_resizes_the_image_and_what_it_replaced_gives_it_back) {
  for (int round = 0; round < 40; ++round) {
    const cow::ChunkSize chunk(kibibytes(std::uint64_t{4} << any(0, 6)));
    const Bytes size = to_bytes(Sectors{any(1, 4096)}), result = to_bytes(Sectors{any(1, 4096)});
    SCOPED_TRACE(fmt::format("round {}: chunks of {}, from {} to {} bytes", round, chunk.bytes().count,
                             size.count, result.count));
    const Contents before = noise(size.count);
    const Path image = file_with("image", before);
    const Bytes larger = std::max(size, result);
    const Path store = random_store(chunk, larger, random_count(chunk, larger));
    const Contents data = contents_of(store);
    Contents header(cow::header_size);
    cow::write_header({chunk, result}, std::span(header).first<cow::header_size>());
    write_to(open_file(store, O_WRONLY))({}, header);

    Contents expected = before;
    expected.resize(larger.count);
    const Fd fd = open_file(store, O_RDONLY);
    cow::Reader reader(layers::read_from(fd), Bytes{data.size()}, size);
    while (const auto exception = reader.next()) {
      const std::size_t at = exception->old_chunk * chunk.bytes().count;
      const std::size_t length = std::min<std::size_t>(chunk.bytes().count, expected.size() - at);
      std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(exception->new_chunk * chunk.bytes().count),
                  length, expected.begin() + static_cast<std::ptrdiff_t>(at));
    }
    expected.resize(result.count);

    layers::MergeStore opened(store, image);
    const Path saved = scratch() / "saved";
    unlink_if_exists(saved);
    layers::save_replaced(opened, image, saved, nullptr);
    layers::merge_into_image(opened, image, layers::ImageUse::none, nullptr);
    ASSERT_TRUE(contents_of(image) == expected);
    layers::MergeStore back(saved, image);
    EXPECT_EQ(back.survey().result_size, size);
    layers::merge_into_image(back, image, layers::ImageUse::none, nullptr);
    ASSERT_TRUE(contents_of(image) == before);
  }
}

TEST_F(MergeTest, a_broken_store_changes_nothing) {
  const Contents before = noise(1 << 20);
  const Path image = file_with("image", before);
  const cow::ChunkSize chunk(kibibytes(4));
  const Path store = random_store(chunk, Bytes{before.size()}, 200);
  // The last entry points behind the store's end: two hundred good ones come before it.
  Contents entry(cow::exception_size);
  cow::write_exception({1, 1'000'000}, std::span(entry).first<cow::exception_size>());
  write_to(open_file(store, O_WRONLY))(chunk.bytes() + Bytes{199 * cow::exception_size}, entry);
  expect_error(ErrorKind::corrupt_image, [&] { layers::MergeStore(store, image); });
  EXPECT_TRUE(contents_of(image) == before);
}

}  // namespace
}  // namespace cowshed::test
