// SPDX-License-Identifier: Apache-2.0
#include "io/zero.h"

#include <algorithm>
#include <cstring>

namespace cowshed::io {

bool is_zero(std::span<const std::byte> data) {
  constexpr std::size_t head = 16;
  const auto first = data.first(std::min(head, data.size()));
  if (std::any_of(first.begin(), first.end(), [](std::byte byte) { return byte != std::byte{0}; }))
    return false;
  // Zeros that repeat themselves all the way: libc compares faster than a loop of ours would.
  return data.size() <= head || std::memcmp(data.data(), data.data() + head, data.size() - head) == 0;
}

}  // namespace cowshed::io
