// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

#include "loop/loop.h"

namespace cowshed::loop {

std::optional<Info> info_of_device(std::uint32_t major, std::uint32_t minor) {
  // The minor is not always the loop's number: the module's max_part spreads them out. sysfs knows the name.
  std::error_code missing;
  const Path link = std::filesystem::read_symlink(fmt::format("/sys/dev/block/{}:{}", major, minor), missing);
  const std::string name = link.filename().string();
  constexpr std::string_view prefix = "loop";
  if (missing || !name.starts_with(prefix)) return std::nullopt;
  int number = -1;
  const char* const begin = name.data() + prefix.size();
  const char* const end = name.data() + name.size();
  if (const auto [stop, error] = std::from_chars(begin, end, number); error != std::errc{} || stop != end)
    return std::nullopt;
  return info(number);
}

}  // namespace cowshed::loop
