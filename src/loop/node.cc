// SPDX-License-Identifier: Apache-2.0
#include "loop/node.h"

#include <fmt/core.h>

#include <charconv>

namespace cowshed::loop {

Path node_of(int number) { return fmt::format("/dev/loop{}", number); }

std::optional<int> number_in(std::string_view device_name) {
  constexpr std::string_view prefix = "loop";
  if (!device_name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = device_name.substr(prefix.size());
  int number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_whole = error == std::errc{} && end == digits.data() + digits.size();
  return is_whole && number >= 0 ? std::optional(number) : std::nullopt;
}

}  // namespace cowshed::loop
