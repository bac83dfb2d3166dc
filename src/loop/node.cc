// SPDX-License-Identifier: Apache-2.0
#include "loop/node.h"

#include <fmt/core.h>

#include "base/number.h"

namespace cowshed::loop {

Path node_of(int number) { return fmt::format("/dev/loop{}", number); }

std::optional<int> number_in(std::string_view device_name) {
  constexpr std::string_view prefix = "loop";
  if (!device_name.starts_with(prefix)) return std::nullopt;
  const auto number = parse_number<int>(device_name.substr(prefix.size()));
  return number && *number >= 0 ? number : std::nullopt;
}

}  // namespace cowshed::loop
