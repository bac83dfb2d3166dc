// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <fmt/core.h>

#include <array>
#include <charconv>

#include "base/error.h"

namespace cowshed {

namespace {

constexpr std::string_view unit_letters = "KMGTP";

/// The power of 1024 that `suffix` stands for; -1 for what is no unit.
int unit_power(std::string_view suffix) {
  if (suffix.empty() || suffix == "B") return 0;
  const auto letter = unit_letters.find(suffix[0]);
  const auto rest = suffix.substr(1);
  if (letter == std::string_view::npos || !(rest.empty() || rest == "iB")) return -1;
  return static_cast<int>(letter) + 1;
}

}  // namespace

Sectors to_sectors(Bytes b) {
  if (b.count % Sectors::bytes_each != 0)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{} bytes is not a multiple of {}", b.count, Sectors::bytes_each));
  return {b.count / Sectors::bytes_each};
}

Bytes parse_size(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorKind::invalid_argument,
                 fmt::format("size '{}' {} (write for example 10G, 512MiB or bytes)", text, why));
  };
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) throw refuse("is too large");
  if (error != std::errc{}) throw refuse("is not a size");
  const int power = unit_power(text.substr(static_cast<std::size_t>(end - text.data())));
  if (power < 0) throw refuse("is not a size");
  const int shift = 10 * power;
  if (number > (std::uint64_t{INT64_MAX} >> shift)) throw refuse("is too large");
  return {number << shift};
}

std::string format_size(Bytes size) {
  if (size.count < 1024) return fmt::format("{} B", size.count);
  auto value = static_cast<double>(size.count);
  std::size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < unit_letters.size(); value /= 1024) ++unit;
  return fmt::format("{:.1f} {}iB", value, unit_letters[unit]);
}

}  // namespace cowshed
