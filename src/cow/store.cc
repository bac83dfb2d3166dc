// SPDX-License-Identifier: Apache-2.0
#include "cow/store.h"

#include <fmt/core.h>

#include <array>
#include <vector>

#include "base/error.h"

namespace cowshed::cow {

namespace {

std::optional<Header> read_header(const ReadAt& read, Bytes size) {
  if (size.count < header_size)
    throw Error(ErrorKind::corrupt_image, "snapshot store is shorter than its header");
  std::array<std::byte, header_size> raw{};
  read(Bytes{0}, raw);
  return parse_header(raw);
}

class Checker {
 public:
  Checker(const ReadAt& read, Bytes size, Bytes origin, ChunkSize chunk_size)
      : read_(read),
        chunk_size_(chunk_size),
        store_chunks_(size.count / chunk_size.bytes().count),
        origin_chunks_(chunk_size.chunks_in(origin)),
        area_(chunk_size.bytes().count) {}

  std::uint64_t run() {
    for (std::uint64_t area = 0;; ++area) {
      const std::uint64_t chunk = metadata_chunk(chunk_size_, area);
      if (chunk >= store_chunks_) {
        // A store may end where an area is full: the next one is begun with the next exception.
        if (area > 0) return count_;
        throw Error(ErrorKind::corrupt_image, "snapshot store ends before its first metadata area");
      }
      read_(chunk_size_.bytes() * chunk, area_);
      if (!check_area()) return count_;
    }
  }

 private:
  /// False at the end of the list.
  bool check_area() {
    for (std::size_t i = 0; i < chunk_size_.entries_per_area(); ++i) {
      const auto raw = std::span(area_).subspan(i * exception_size).first<exception_size>();
      const Exception entry = parse_exception(raw);
      if (entry.new_chunk == 0) return false;
      check(entry);
      ++count_;
    }
    return true;
  }

  void check(const Exception& entry) const {
    const bool is_metadata = (entry.new_chunk - 1) % (chunk_size_.entries_per_area() + 1) == 0;
    if (entry.new_chunk >= store_chunks_ || is_metadata)
      throw Error(ErrorKind::corrupt_image,
                  fmt::format("snapshot store: entry {} points to chunk {}, {}", count_, entry.new_chunk,
                              is_metadata ? "which is metadata" : "behind its end"));
    if (entry.old_chunk >= origin_chunks_)
      throw Error(ErrorKind::corrupt_image,
                  fmt::format("snapshot store: entry {} is for chunk {}, behind the volume's end", count_,
                              entry.old_chunk));
  }

  const ReadAt& read_;
  const ChunkSize chunk_size_;
  const std::uint64_t store_chunks_, origin_chunks_;
  std::vector<std::byte> area_;
  std::uint64_t count_ = 0;
};

}  // namespace

StoreSummary check_store(const ReadAt& read, Bytes size, Bytes origin) {
  const auto header = read_header(read, size);
  if (!header) return {};
  return {header->chunk_size, Checker(read, size, origin, header->chunk_size).run()};
}

bool is_clean(const ReadAt& read, Bytes size) {
  const auto header = read_header(read, size);
  if (!header) return true;
  const Bytes first = header->chunk_size.bytes() * metadata_chunk(header->chunk_size, 0);
  if (first.count + exception_size > size.count)
    throw Error(ErrorKind::corrupt_image, "snapshot store ends before its first metadata area");
  std::array<std::byte, exception_size> raw{};
  read(first, raw);
  return parse_exception(raw).new_chunk == 0;
}

}  // namespace cowshed::cow
