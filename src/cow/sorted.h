// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"
#include "cow/reader.h"

namespace cowshed::cow {

/// How many exceptions are held at a time unless told otherwise: 16 MiB.
constexpr std::uint64_t exceptions_held = std::uint64_t{1} << 20;

/// The exceptions of a store by rising old chunk, within bounded memory: the old chunks are divided into
/// windows of at most `held` exceptions, and the store's list is read once for each; a list that fits into
/// one window is read once in all, however often it is gone through. Nothing is given before the whole list
/// was checked (Reader), so that what is built on it is not begun for a broken store.
class SortedExceptions {
 public:
  /// Reads the whole list. As Reader: `size` is the store's, `origin` the origin's size; throws Error
  /// corrupt_image.
  SortedExceptions(ReadAt read, Bytes size, Bytes origin, std::uint64_t held = exceptions_held);

  /// Nothing: an all-zero store, which has no exceptions either.
  [[nodiscard]] const std::optional<Header>& header() const { return header_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Nothing at the end.
  std::optional<Exception> next();
  /// Begins again with the first.
  void rewind();

 private:
  /// Old chunks from the last window's end to below `end`.
  struct Window {
    std::uint64_t end = 0;
    std::uint64_t count = 0;
  };
  void survey();
  void read_window();
  void sort_window();

  ReadAt read_;
  Bytes size_, origin_;
  std::uint64_t held_;
  std::optional<Header> header_;
  std::uint64_t count_ = 0;
  std::vector<Window> windows_;
  std::size_t next_window_ = 0;
  std::vector<Exception> window_;
  std::size_t at_ = 0;
};

}  // namespace cowshed::cow
