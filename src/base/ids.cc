// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/printable.h"

namespace cowshed {

namespace {

bool is_name_start(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_name_char(char c) { return is_name_start(c) || c == '_' || c == '-' || c == '.'; }

/// What is quoted in an error must not break the line it is printed on.
std::string quotable(std::string_view text) {
  constexpr std::size_t shown = 40;
  return printable(text.substr(0, shown)) + (text.size() > shown ? "..." : "");
}

Error refusal(std::string_view what, std::string_view text, std::string_view why) {
  return {ErrorKind::invalid_argument, fmt::format("{} '{}': {}", what, quotable(text), why)};
}

}  // namespace

namespace detail {

std::string checked_name(std::string_view what, std::string text, std::size_t max_length) {
  if (text.empty()) throw refusal(what, text, "must not be empty");
  if (text.size() > max_length)
    throw refusal(what, text, fmt::format("{} bytes long, at most {} are allowed", text.size(), max_length));
  if (!is_name_start(text[0])) throw refusal(what, text, "must begin with a letter or a digit");
  if (!std::all_of(text.begin(), text.end(), is_name_char))
    throw refusal(what, text, "only letters, digits, '_', '-' and '.' are allowed");
  return text;
}

}  // namespace detail

Vid::Vid(std::string text) : text_(std::move(text)) {
  constexpr std::size_t max_parts = 4;
  if (text_.size() > max_length)
    throw refusal("vid", text_,
                  fmt::format("{} bytes long, at most {} are allowed", text_.size(), max_length));
  std::size_t parts = 0;
  for (std::string_view rest = text_;;) {
    const auto slash = rest.find('/');
    detail::checked_name("part of vid", std::string(rest.substr(0, slash)), max_length);
    if (++parts > max_parts) throw refusal("vid", text_, "has too many parts");
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace cowshed
