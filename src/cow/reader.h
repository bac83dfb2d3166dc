// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "cow/format.h"

namespace cowshed::cow {

/// Reads `into.size()` bytes at `offset` of the store or throws.
using ReadAt = std::function<void(Bytes offset, std::span<std::byte> into)>;

/// The exceptions of a store in the order in which they were made, each checked for what the kernel would
/// believe without a word: it must point to a data chunk within the store that no other has, and be for a
/// chunk of the origin that no other is for. What it takes in memory depends on the sizes alone: one metadata
/// chunk, and a bit for each chunk of the origin and of the store once there is an exception.
class Reader {
 public:
  /// Reads the header. `size` is the store's, `origin` the origin's size; where the store
  /// restores a larger state, that counts. Throws Error corrupt_image.
  Reader(ReadAt read, Bytes size, Bytes origin);

  /// Nothing: an all-zero store that the kernel has not seen yet.
  [[nodiscard]] const std::optional<Header>& header() const { return header_; }
  /// Nothing at the end of the list. Throws Error corrupt_image.
  std::optional<Exception> next();

 private:
  [[nodiscard]] ChunkSize chunk_size() const { return header_->chunk_size; }
  void read_area();
  void check(const Exception& entry);
  void check_new(std::uint64_t chunk) const;
  void mark(std::vector<bool>& seen, std::uint64_t chunk, std::uint64_t chunks, const char* what);

  ReadAt read_;
  std::optional<Header> header_;
  std::uint64_t store_chunks_ = 0, origin_chunks_ = 0;
  /// Of the metadata chunk that is read next.
  std::uint64_t next_area_ = 0;
  std::vector<std::byte> area_;
  /// Of the next entry: in the whole list, and in area_.
  std::uint64_t index_ = 0;
  std::size_t at_ = 0;
  bool is_at_end_ = false;
  std::vector<bool> seen_old_, seen_new_;
};

}  // namespace cowshed::cow
