// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "io/end.h"

namespace cowshed::io {

/// Where the next data, or the next hole, of a file begins, at `from` or behind it; the end of the file is a
/// hole (lseek(2), SEEK_DATA and SEEK_HOLE). Nothing: there is none. Moves the file's offset. Throws Error.
std::optional<Bytes> next_data(const End& file, Bytes from);
std::optional<Bytes> next_hole(const End& file, Bytes from);

/// Whether a place is data, for those who ask here and there. The file is gone through once, as far as
/// somebody asks, and what was found is remembered: to look for the end of a stretch takes the kernel as long
/// as it has extents. A block device, and a file on a file system that cannot tell, has no holes; nor has a
/// file behind its end. What becomes of the file meanwhile is not noticed.
class Holes {
 public:
  /// `file` is to live as long.
  explicit Holes(const End& file);

  /// How far data, or a hole, reaches from `offset` on; 0 where it is the other.
  Bytes data_at(Bytes offset);
  Bytes hole_at(Bytes offset);

 private:
  struct Stretch {
    bool is_data;
    /// From where it was asked for.
    Bytes length;
  };
  Stretch from(Bytes offset);
  [[nodiscard]] Stretch ask(Bytes offset) const;
  void go_on();

  const End& file_;
  /// Where a hole ends and data begins, where that ends and a hole begins, and so on; rising.
  std::vector<Bytes> edges_;
};

}  // namespace cowshed::io
