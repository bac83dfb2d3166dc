// SPDX-License-Identifier: Apache-2.0
// What a commit takes in memory is bounded, however much was changed and in whatever order: measured on
// stores in which every 4 KiB of the image has an exception, made in random order, nearly all data a hole.
#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <string>

#include "../io/files_fixture.h"
#include "layers/merge.h"
#include "layers/store_file.h"
#include "support/long_run.h"
#include "support/resident_memory.h"

namespace cowshed::layers {
namespace {

constexpr Bytes budget = mebibytes(64);
const cow::ChunkSize chunk{kibibytes(4)};
/// Of each so many exceptions one has data.
constexpr std::uint64_t data_stride = 40'000;

/// A store in which each chunk of an image has an exception, each so far from the one before as the kernel's
/// would be after random writes.
class ScatteredStore {
 public:
  /// `chunks` is a power of two, so that any odd factor permutes them.
  explicit ScatteredStore(std::uint64_t chunks) : chunks_(chunks) {}

  void write(const Path& file) const {
    const Fd fd = create_sparse(file, cow::persistent_size(image_size(), chunk));
    cow::Writer(write_to(fd), {chunk}).finish();
    std::vector<std::byte> area(chunk.bytes().count);
    const std::uint64_t entries = chunk.entries_per_area();
    for (std::uint64_t index = 0; index * entries < chunks_; ++index) {
      const std::uint64_t first = index * entries;
      for (std::uint64_t i = 0; i < entries; ++i)
        cow::write_exception(exception(first + i),
                             std::span(area).subspan(i * cow::exception_size).first<cow::exception_size>());
      write_to(fd)(chunk.bytes() * cow::metadata_chunk(chunk, index), area);
    }
    for (std::uint64_t i = 0; i < chunks_; i += data_stride) put(fd, exception(i).new_chunk, 'n');
  }
  /// What it replaces has data where the store has.
  void write_image(const Path& file) const {
    const Fd fd = create_sparse(file, image_size());
    for (std::uint64_t i = 0; i < chunks_; i += data_stride) put(fd, exception(i).old_chunk, 'o');
  }
  void expect_data(const Path& image, char value) const {
    const Fd fd = open_file(image, O_RDONLY);
    std::vector<std::byte> found(chunk.bytes().count);
    const std::vector<std::byte> wanted(found.size(), static_cast<std::byte>(value));
    for (std::uint64_t i = 0; i < chunks_; i += data_stride) {
      read_from(fd)(chunk.bytes() * exception(i).old_chunk, found);
      ASSERT_EQ(found, wanted) << "chunk " << exception(i).old_chunk;
    }
  }

 private:
  [[nodiscard]] Bytes image_size() const { return chunk.bytes() * chunks_; }
  [[nodiscard]] cow::Exception exception(std::uint64_t index) const {
    return {index * 0x9E3779B1 % chunks_, cow::data_chunk(chunk, index)};
  }
  static void put(const Fd& fd, std::uint64_t at, char value) {
    const std::vector<std::byte> data(chunk.bytes().count, static_cast<std::byte>(value));
    write_to(fd)(chunk.bytes() * at, data);
  }

  std::uint64_t chunks_;
};

class MergeMemoryTest : public test::FilesTest {
 protected:
  void SetUp() override {
    if (!test::can_measure_memory()) GTEST_SKIP() << "a sanitizer's memory would be measured";
  }

  void make_files(Bytes size) {
    size_ = size;
    scattered_ = ScatteredStore(size.count / chunk.bytes().count);
    scattered_.write(store_);
    scattered_.write_image(image_);
  }
  void expect_survey_within_budget() {
    measure("survey", [&] { EXPECT_EQ(MergeStore(store_, image_).survey().exceptions, chunks()); });
  }
  void expect_save_within_budget() {
    measure("save what is replaced", [&] {
      MergeStore store(store_, image_);
      save_replaced(store, image_, saved_, nullptr);
    });
    EXPECT_EQ(MergeStore(saved_, image_).survey().exceptions, chunks());
  }
  void expect_merge_within_budget() {
    measure("merge", [&] { merge(store_, ImageUse::none); });
    scattered_.expect_data(image_, 'n');
  }
  /// Is what was saved the old state?
  void expect_way_back_within_budget() {
    measure("merge of what was saved", [&] { merge(saved_, ImageUse::attached); });
    scattered_.expect_data(image_, 'o');
  }

 private:
  [[nodiscard]] std::uint64_t chunks() const { return size_.count / chunk.bytes().count; }
  void merge(const Path& file, ImageUse use) const {
    MergeStore store(file, image_);
    merge_into_image(store, image_, use, nullptr);
  }
  void measure(const std::string& step, const std::function<void()>& body) const {
    const auto begin = std::chrono::steady_clock::now();
    const Bytes taken = test::memory_taken_by(body);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    fmt::print("{} of {} in chunks of 4 KiB: {:.1f} MiB at most, {:.1f} s\n", step, format_size(size_),
               static_cast<double>(taken.count) / (1 << 20), seconds.count());
    std::fflush(stdout);
    EXPECT_LE(taken, budget) << step;
    // Else nothing was measured.
    EXPECT_GT(taken, kibibytes(64)) << step;
  }

  const Path store_ = at("store"), image_ = at("image"), saved_ = at("saved");
  Bytes size_;
  ScatteredStore scattered_{0};
};

TEST_F(MergeMemoryTest, of_a_small_volume_is_bounded) {
  make_files(mebibytes(64));
  expect_survey_within_budget();
  expect_save_within_budget();
  expect_merge_within_budget();
  expect_way_back_within_budget();
}

TEST_F(MergeMemoryTest, of_a_million_exceptions_in_random_order_is_bounded) {
  make_files(gibibytes(4));
  expect_survey_within_budget();
  expect_merge_within_budget();
}

TEST_F(MergeMemoryTest, of_a_large_volume_all_of_which_was_changed_is_bounded) {
  if (!test::is_long_run()) GTEST_SKIP() << "takes minutes: COWSHED_LONG=1";
  make_files(gibibytes(64));
  expect_survey_within_budget();
  expect_save_within_budget();
  expect_merge_within_budget();
}

}  // namespace
}  // namespace cowshed::layers
