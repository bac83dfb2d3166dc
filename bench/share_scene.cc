// SPDX-License-Identifier: Apache-2.0
#include "share_scene.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>

#include "base/file.h"
#include "cow/writer.h"
#include "layers/store_file.h"
#include "programs.h"
#include "sparse_source.h"

namespace bench {

namespace {

namespace cow = cowshed::cow;
using cowshed::Bytes;

/// As an overlay has them.
constexpr std::uint64_t chunk_bytes = 64 << 10;
constexpr std::uint64_t image_times_bytes = 2;

/// The first chunks of `count` runs, rising.
std::vector<std::uint64_t> random_places(std::uint64_t image_size, std::uint64_t run_length,
                                         std::size_t count) {
  std::vector<std::uint64_t> places(image_size / run_length);
  std::iota(places.begin(), places.end(), 0);
  std::mt19937_64 random(image_size ^ run_length);
  std::shuffle(places.begin(), places.end(), random);
  places.resize(count);
  std::sort(places.begin(), places.end());
  return places;
}

void add(std::vector<SharedRun>& runs, const SharedRun& next) {
  SharedRun* const last = runs.empty() ? nullptr : &runs.back();
  if (last != nullptr && last->to + last->length == next.to && last->from + last->length == next.from)
    last->length += next.length;
  else
    runs.push_back(next);
}

/// With extents of its own.
void copy(const std::string& from, const std::string& to) {
  run({"cp", "--reflink=never", "--sparse=never", "--", from, to});
}

/// Data everywhere but in the header's chunk and those of `entries`.
void write_store(const std::string& name, std::span<const std::byte> entries) {
  const cow::ChunkSize chunk(Bytes{chunk_bytes});
  make_source(name, cow::size_with(chunk, entries.size() / cow::exception_size).count, 100);
  const auto file = cowshed::open_file(name, O_RDWR);
  const auto write = cowshed::layers::write_to(file);
  std::vector<std::byte> metadata(chunk_bytes);
  cow::write_header({chunk}, std::span(metadata).first<cow::header_size>());
  write(Bytes{0}, metadata);
  // The list ends with an area that is not full; it may be empty.
  for (std::uint64_t area = 0; area <= entries.size() / chunk_bytes; ++area) {
    const auto part =
        entries.subspan(area * chunk_bytes, std::min(chunk_bytes, entries.size() - area * chunk_bytes));
    std::ranges::fill(metadata, std::byte{});
    std::ranges::copy(part, metadata.begin());
    write(chunk.bytes() * cow::metadata_chunk(chunk, area), metadata);
  }
  cowshed::sync_file(file, name);
}

}  // namespace

ShareScene::ShareScene(std::string directory, std::uint64_t bytes, std::uint64_t run_length)
    : directory_(std::move(directory)) {
  ::mkdir(directory_.c_str(), 0700);
  make_source(image(), bytes * image_times_bytes, 100);
  for (const std::uint64_t place : random_places(bytes * image_times_bytes, run_length, bytes / run_length))
    for (std::uint64_t at = 0; at < run_length; at += chunk_bytes)
      runs_.push_back({0, place * run_length + at, chunk_bytes});
  make_store(bytes * image_times_bytes, run_length);
  make_expected();
}

ShareScene::~ShareScene() { std::filesystem::remove_all(directory_); }

/// In no order that is the image's, as a guest writes; what lies together in the image does so in the store.
void ShareScene::make_store(std::uint64_t image_size, std::uint64_t run_length) {
  const cow::ChunkSize chunk(Bytes{chunk_bytes});
  const std::uint64_t count = runs_.size(), each = run_length / chunk_bytes;
  std::vector<std::uint64_t> written(count / each);
  std::iota(written.begin(), written.end(), 0);
  std::shuffle(written.begin(), written.end(), std::mt19937_64(image_size + run_length));
  std::vector<std::byte> entries(count * cow::exception_size);
  for (std::uint64_t i = 0; i < count; ++i) {
    SharedRun& run = runs_[written[i / each] * each + i % each];
    run.from = cow::data_chunk(chunk, i) * chunk_bytes;
    cow::write_exception({run.to / chunk_bytes, run.from / chunk_bytes},
                         std::span(entries).subspan(i * cow::exception_size).first<cow::exception_size>());
  }
  write_store(store(), entries);
  std::vector<SharedRun> joined;
  for (const SharedRun& run : runs_) add(joined, run);
  runs_ = std::move(joined);
}

void ShareScene::make_expected() const {
  copy(image(), expected());
  std::ifstream from(store(), std::ios::binary);
  std::fstream to(expected(), std::ios::binary | std::ios::in | std::ios::out);
  std::string data;
  for (const SharedRun& run : runs_) {
    data.resize(run.length);
    from.seekg(static_cast<std::streamoff>(run.from)).read(data.data(), std::ssize(data));
    to.seekp(static_cast<std::streamoff>(run.to)).write(data.data(), std::ssize(data));
  }
  if (!from || !to.flush()) throw std::runtime_error("cannot write " + expected());
}

void ShareScene::make_copies() const {
  copy(image(), copied_image());
  copy(store(), copied_store());
}

void ShareScene::remove_copies() const {
  for (const std::string& file : {copied_image(), copied_store(), new_image()}) ::unlink(file.c_str());
}

void ShareScene::check(const std::string& result) const { run({"cmp", "--", expected(), result}); }

}  // namespace bench
