// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <fmt/core.h>

namespace cowshed {

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text)
    result +=
        c >= ' ' && c <= '~' ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return result;
}

}  // namespace cowshed
