// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "io/end.h"

namespace cowshed::io {

/// Where the next data, or the next hole, of a file begins, at `from` or behind it; the end of the file is a
/// hole (lseek(2), SEEK_DATA and SEEK_HOLE). Nothing: there is none. Moves the file's offset. Throws Error.
std::optional<Bytes> next_data(const End& file, Bytes from);
std::optional<Bytes> next_hole(const End& file, Bytes from);

/// Whether a place is data, for those who ask here and there: the kernel is asked where none of the two
/// stretches holds the place that it told of last. A block device, and a file on a file system that cannot
/// tell, has no holes; nor has a file behind its end.
class Holes {
 public:
  /// `file` is to live as long.
  explicit Holes(const End& file);

  /// How far data, or a hole, reaches from `offset` on; 0 where it is the other.
  Bytes data_at(Bytes offset);
  Bytes hole_at(Bytes offset);

 private:
  struct Stretch {
    Bytes begin, end;
    /// From `offset` to its end; 0 where that is not in it.
    [[nodiscard]] Bytes from(Bytes offset) const {
      return begin <= offset && offset < end ? end - offset : Bytes{};
    }
  };
  void look_at(Bytes offset);

  const End& file_;
  Stretch data_, hole_;
};

}  // namespace cowshed::io
