// SPDX-License-Identifier: Apache-2.0
#include "cow/writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace cowshed::cow {

Writer::Writer(WriteAt write, Header header)
    : write_(std::move(write)), header_(header), area_(header.chunk_size.bytes().count) {}

std::uint64_t Writer::add(std::uint64_t old_chunk) {
  if (last_ && old_chunk <= *last_)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("snapshot store: chunk {} is added after chunk {}", old_chunk, *last_));
  const std::uint64_t new_chunk = data_chunk(header_.chunk_size, count_);
  const std::size_t at = count_ % header_.chunk_size.entries_per_area() * exception_size;
  write_exception({old_chunk, new_chunk}, std::span(area_).subspan(at).first<exception_size>());
  last_ = old_chunk;
  ++count_;
  if (count_ % header_.chunk_size.entries_per_area() == 0) write_area();
  return new_chunk;
}

void Writer::write_area() {
  const std::uint64_t area = (count_ - 1) / header_.chunk_size.entries_per_area();
  write_(header_.chunk_size.bytes() * metadata_chunk(header_.chunk_size, area), area_);
  std::ranges::fill(area_, std::byte{0});
}

Bytes Writer::finish() {
  if (count_ % header_.chunk_size.entries_per_area() != 0) write_area();
  std::array<std::byte, header_size> raw{};
  write_header(header_, raw);
  write_(Bytes{0}, raw);
  return size_with(header_.chunk_size, count_);
}

}  // namespace cowshed::cow
