// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/units.h"

namespace cowshed::io {

/// `length` bytes at `source` of one file that belong at `target` of another. Any offsets and lengths: what
/// is not aligned costs more where a side is direct (end.h).
struct Extent {
  Bytes source;
  Bytes target;
  Bytes length;
  bool operator==(const Extent&) const = default;
};

/// Gives the next extent each time it is called, and nothing from the end on. A list of extents is never held
/// as a whole: a cow can have tens of millions. What it throws ends the copy.
using ExtentStream = std::function<std::optional<Extent>()>;

/// For a few that are at hand.
ExtentStream stream_of(std::vector<Extent> extents);

}  // namespace cowshed::io
