// SPDX-License-Identifier: Apache-2.0
#include "io/extent.h"

#include <utility>

namespace cowshed::io {

ExtentStream stream_of(std::vector<Extent> extents) {
  return [extents = std::move(extents), next = std::size_t{0}]() mutable -> std::optional<Extent> {
    if (next == extents.size()) return std::nullopt;
    return extents[next++];
  };
}

}  // namespace cowshed::io
