// SPDX-License-Identifier: Apache-2.0
// The format of the exception store against the kernel's own: what one writes the other reads.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <map>

#include "cow/reader.h"
#include "cow/writer.h"
#include "dm/device.h"
#include "support/errors.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

using Contents = std::vector<std::byte>;

class CowTest : public VmTest {
 protected:
  /// No whole number of chunks of any size.
  static constexpr Bytes origin_size = Bytes{(8u << 20) + 512 * 5};

  std::uint64_t any(std::uint64_t low, std::uint64_t high) { return between(random_, low, high); }

  Contents noise(std::size_t size) {
    Contents bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(any(0, 255));
    return bytes;
  }

  static void write_at(const Path& path, Bytes at, std::span<const std::byte> bytes) {
    const Fd fd = open_file(path, O_WRONLY);
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at.count)),
              static_cast<ssize_t>(bytes.size()));
    sync_file(fd, path);
  }

  static Contents read_at(const Path& path, Bytes at, std::size_t size) {
    Contents bytes(size);
    const Fd fd = open_file(path, O_RDONLY);
    EXPECT_EQ(::pread(fd.get(), bytes.data(), size, static_cast<off_t>(at.count)),
              static_cast<ssize_t>(size));
    return bytes;
  }

  static cow::ReadAt reader_of(const Path& path) {
    return [path](Bytes at, std::span<std::byte> into) {
      std::ranges::copy(read_at(path, at, into.size()), into.begin());
    };
  }

  loop::Loop attach(const Path& file) { return loop::Loop::attach(open_file(file, O_RDWR), file, {}); }

  Path file_of(const std::string& name, Bytes size) {
    const Path file = scratch() / name;
    create_sparse(file, size);
    return file;
  }

  dm::Device bring_up(const char* name, const dm::Target& target) {
    return dm::Device::bring_up(control(), dm::DmName(fmt::format("cow-{}", name)),
                                dm::DmUuid(fmt::format("COWSHED-TEST-{}", name)),
                                dm::whole_device(to_sectors(origin_size), target));
  }

  static dm::Snapshot table(const loop::Loop& origin, const loop::Loop& store, cow::ChunkSize chunk) {
    return {.origin = number_of(origin),
            .cow = number_of(store),
            .store = dm::ExceptionStore::persistent,
            .chunk_size = chunk.sectors(),
            .discard_zeroes_cow = false};
  }

  void expect_that_the_kernel_reads_what_was_written(cow::ChunkSize chunk, std::size_t count);
  void expect_that_what_the_kernel_writes_is_read(cow::ChunkSize chunk, std::size_t count);

 private:
  std::mt19937_64 random_{seed()};
};

void CowTest::expect_that_the_kernel_reads_what_was_written(cow::ChunkSize chunk, std::size_t count) {
  const std::size_t bytes = chunk.bytes().count;
  Contents expected = noise(origin_size.count);
  const Path origin = file_of("origin", origin_size);
  const Path store = file_of("store", cow::size_with(chunk, count));
  write_at(origin, {}, expected);
  std::map<std::uint64_t, Contents> old;
  while (old.size() < count) old.try_emplace(any(0, chunk.chunks_in(origin_size) - 1), noise(bytes));

  cow::Writer writer([&](Bytes at, std::span<const std::byte> data) { write_at(store, at, data); }, {chunk});
  for (const auto& [old_chunk, content] : old) {
    write_at(store, chunk.bytes() * writer.add(old_chunk), content);
    const std::size_t at = old_chunk * bytes;
    std::copy_n(content.begin(), std::min(bytes, expected.size() - at),
                expected.begin() + static_cast<std::ptrdiff_t>(at));
  }
  EXPECT_EQ(writer.finish(), stat_if_exists(store)->size);

  const auto origin_loop = attach(origin), store_loop = attach(store);
  const auto view = bring_up("view", table(origin_loop, store_loop, chunk));
  const auto status =
      dm::SnapshotStatus::parse(control().status(dm::DmUuid("COWSHED-TEST-view")).at(0).params);
  EXPECT_EQ(status.state, dm::SnapshotStatus::State::active);
  EXPECT_TRUE(read_at(dm::node_of(view.number()), {}, origin_size.count) == expected)
      << "chunks of " << bytes << ", " << count << " exceptions";
}

void CowTest::expect_that_what_the_kernel_writes_is_read(cow::ChunkSize chunk, std::size_t count) {
  const std::size_t bytes = chunk.bytes().count;
  const Contents before = noise(origin_size.count);
  const Path origin = file_of("origin", origin_size);
  const Path store = file_of("store", cow::persistent_size(origin_size, chunk));
  write_at(origin, {}, before);
  std::map<std::uint64_t, bool> changed;
  {
    const auto origin_loop = attach(origin), store_loop = attach(store);
    const auto view = bring_up("view", table(origin_loop, store_loop, chunk));
    const auto session = bring_up("session", dm::SnapshotOrigin{number_of(origin_loop)});
    const Fd node = open_file(dm::node_of(session.number()), O_WRONLY);
    while (changed.size() < count) {
      const std::uint64_t at = any(0, to_sectors(origin_size).count - 1) * Sectors::bytes_each;
      changed[at / bytes] = true;
      const Contents sector = noise(Sectors::bytes_each);
      ASSERT_EQ(::pwrite(node.get(), sector.data(), sector.size(), static_cast<off_t>(at)),
                static_cast<ssize_t>(sector.size()));
    }
    sync_file(node, "session");
  }
  cow::Reader reader(reader_of(store), stat_if_exists(store)->size, origin_size);
  ASSERT_TRUE(reader.header());
  EXPECT_EQ(reader.header()->chunk_size, chunk);
  while (const auto entry = reader.next()) {
    EXPECT_EQ(changed.erase(entry->old_chunk), 1u) << entry->old_chunk;
    const std::size_t at = entry->old_chunk * bytes;
    const std::size_t size = std::min(bytes, before.size() - at);
    EXPECT_TRUE(std::ranges::equal(read_at(store, chunk.bytes() * entry->new_chunk, size),
                                   std::span(before).subspan(at, size)))
        << "old content of chunk " << entry->old_chunk;
  }
  EXPECT_TRUE(changed.empty()) << changed.size() << " exceptions were not read";
}

TEST_F(CowTest, AStoreThatEndsBehindAFullAreaIsRefusedByTheKernelAndByUs) {
  const cow::ChunkSize chunk(kibibytes(4));
  const Path origin = file_of("origin", origin_size);
  const Path store = file_of("store", {});
  cow::Writer writer([&](Bytes at, std::span<const std::byte> data) { write_at(store, at, data); }, {chunk});
  for (std::uint64_t i = 0; i < chunk.entries_per_area(); ++i) writer.add(i);
  const Bytes whole = writer.finish();
  const Bytes size{whole.count - chunk.bytes().count};
  std::filesystem::resize_file(store, size.count);
  expect_error(ErrorKind::corrupt_image, [&] {
    cow::Reader reader(reader_of(store), size, origin_size);
    while (reader.next()) {
    }
  });
  const auto origin_loop = attach(origin), store_loop = attach(store);
  EXPECT_TRUE(error_of([&] { bring_up("view", table(origin_loop, store_loop, chunk)); }));
}

/// Around the end of an area, and all chunks.
std::vector<std::size_t> counts(cow::ChunkSize chunk, Bytes origin) {
  std::vector<std::size_t> result;
  const std::size_t all = chunk.chunks_in(origin), area = chunk.entries_per_area();
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, area - 1, area, area + 1, all})
    if (count <= all) result.push_back(count);
  return result;
}

TEST_F(CowTest, TheKernelReadsBackWhatWasWritten) {
  for (const Bytes size : {kibibytes(4), kibibytes(64), mebibytes(1)}) {
    const cow::ChunkSize chunk(size);
    for (const std::size_t count : counts(chunk, origin_size)) {
      expect_that_the_kernel_reads_what_was_written(chunk, count);
      for (const char* name : {"origin", "store"}) unlink_if_exists(scratch() / name);
    }
  }
}

TEST_F(CowTest, WhatTheKernelWroteIsReadToTheLastException) {
  for (const Bytes size : {kibibytes(4), kibibytes(64), mebibytes(1)}) {
    const cow::ChunkSize chunk(size);
    for (const std::size_t count : counts(chunk, origin_size)) {
      if (count == 0) continue;
      expect_that_what_the_kernel_writes_is_read(chunk, std::min<std::size_t>(count, 300));
      for (const char* name : {"origin", "store"}) unlink_if_exists(scratch() / name);
    }
  }
}

}  // namespace
}  // namespace cowshed::test
