// SPDX-License-Identifier: Apache-2.0
#include "dm/words.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/number.h"

namespace cowshed::dm {

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t limit) {
  const auto value = parse_number<std::uint64_t>(text);
  return value && *value <= limit ? value : std::nullopt;
}

void Words::skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

std::string_view Words::word(std::string_view what) {
  if (at_end()) fail(fmt::format("{} is missing", what));
  const std::string_view word = rest_.substr(0, rest_.find(' '));
  rest_.remove_prefix(word.size());
  skip_blanks();
  return word;
}

std::uint64_t Words::number(std::string_view what, std::uint64_t limit) {
  const auto value = parse_decimal(word(what), limit);
  if (!value) fail(fmt::format("{} is not a number in range", what));
  return *value;
}

DeviceNumber Words::device(std::string_view what) {
  const std::string_view text = word(what);
  try {
    return DeviceNumber::parse(text);
  } catch (const Error&) {
    fail(fmt::format("{} is not MAJOR:MINOR", what));
  }
}

std::vector<std::string> Words::counted_words(std::string_view what) {
  std::vector<std::string> words;
  if (at_end()) return words;
  // The count is not trusted with an allocation.
  for (std::uint64_t left = number(fmt::format("the number of {}s", what)); left > 0; --left)
    words.emplace_back(word(what));
  return words;
}

void Words::expect_end() {
  if (!at_end()) fail("there is more than expected");
}

void Words::fail(std::string_view why) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("parameters of target {}: {}", target_, why));
}

}  // namespace cowshed::dm
