// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "io/extent.h"

namespace cowshed::io {

/// The engine's end of a stream: extents that follow each other on both sides become one, empty ones are left
/// out, and what is taken may be a part of an extent. Holds two extents and what was put back.
class JoinedExtents {
 public:
  /// Stops joining where an extent has `limit` bytes, so that copying begins before the stream has ended.
  JoinedExtents(const ExtentStream& stream, Bytes limit) : stream_(stream), limit_(limit) {}

  /// Nullptr at the end of the stream. Throws Error invalid_argument for an extent that no file can hold.
  const Extent* front();
  /// Cuts `length` bytes from the beginning of what front() gave.
  void take(Bytes length);
  /// Comes again before anything else from the stream.
  void put_back(const Extent& extent) { returned_.push_back(extent); }
  /// The front was put back.
  [[nodiscard]] bool is_returned() const { return is_returned_; }

 private:
  std::optional<Extent> pull();
  void join_next();

  const ExtentStream& stream_;
  const Bytes limit_;
  std::optional<Extent> front_, next_;
  std::vector<Extent> returned_;
  bool is_returned_ = false;
  bool ended_ = false;
};

}  // namespace cowshed::io
