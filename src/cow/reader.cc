// SPDX-License-Identifier: Apache-2.0
#include "cow/reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace cowshed::cow {

namespace {

/// Of a volume that somebody means: 16 TiB in chunks of 4 KiB.
constexpr std::uint64_t most_chunks = std::uint64_t{1} << 32;

Error corrupt(const std::string& why) { return {ErrorKind::corrupt_image, "snapshot store: " + why}; }

std::optional<Header> read_header(const ReadAt& read, Bytes size) {
  if (size.count < header_size) throw corrupt("it is shorter than its header");
  std::array<std::byte, header_size> raw{};
  read(Bytes{0}, raw);
  return parse_header(raw);
}

}  // namespace

Reader::Reader(ReadAt read, Bytes size, Bytes origin)
    : read_(std::move(read)), header_(read_header(read_, size)) {
  if (!header_) return;
  store_chunks_ = size.count / chunk_size().bytes().count;
  origin_chunks_ = chunk_size().chunks_in(std::max(origin, header_->restores.value_or(origin)));
  if (header_->restores &&
      (header_->restores->count % Sectors::bytes_each != 0 || origin_chunks_ > most_chunks))
    throw corrupt(fmt::format("it restores an impossible size, {} bytes", header_->restores->count));
  // One chunk more for each area: twice as many are more than enough.
  if (store_chunks_ > 2 * most_chunks || origin_chunks_ > most_chunks)
    throw corrupt(fmt::format("{} chunks of {} bytes are more than anybody means",
                              std::max(store_chunks_, origin_chunks_), chunk_size().bytes().count));
  if (metadata_chunk(chunk_size(), 0) >= store_chunks_)
    throw corrupt("it ends before its first metadata area");
}

std::optional<Exception> Reader::next() {
  if (!header_ || is_at_end_) return std::nullopt;
  if (at_ == area_.size()) read_area();
  const auto raw = std::span(area_).subspan(at_).first<exception_size>();
  const Exception entry = parse_exception(raw);
  if (entry.new_chunk == 0) {
    is_at_end_ = true;
    return std::nullopt;
  }
  check(entry);
  at_ += exception_size;
  ++index_;
  return entry;
}

void Reader::read_area() {
  const std::uint64_t chunk = metadata_chunk(chunk_size(), next_area_);
  // The kernel has zeroed the next area when one fills, and refuses to load a store without it.
  if (chunk >= store_chunks_) throw corrupt("it ends before its list does");
  area_.resize(chunk_size().bytes().count);
  read_(chunk_size().bytes() * chunk, area_);
  at_ = 0;
  ++next_area_;
}

void Reader::check(const Exception& entry) {
  check_new(entry.new_chunk);
  if (entry.old_chunk >= origin_chunks_)
    throw corrupt(fmt::format("entry {} is for chunk {}, behind the volume's end", index_, entry.old_chunk));
  mark(seen_old_, entry.old_chunk, origin_chunks_, "is for chunk");
  mark(seen_new_, entry.new_chunk, store_chunks_, "points to chunk");
}

void Reader::check_new(std::uint64_t chunk) const {
  if (chunk >= store_chunks_)
    throw corrupt(fmt::format("entry {} points to chunk {}, behind its end", index_, chunk));
  if (is_metadata_chunk(chunk_size(), chunk))
    throw corrupt(fmt::format("entry {} points to chunk {}, which is metadata", index_, chunk));
}

void Reader::mark(std::vector<bool>& seen, std::uint64_t chunk, std::uint64_t chunks, const char* what) {
  seen.resize(chunks);
  if (seen[chunk]) throw corrupt(fmt::format("entry {} {} {}, as one before does", index_, what, chunk));
  seen[chunk] = true;
}

}  // namespace cowshed::cow
