// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <fmt/core.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <optional>

#include "base/number.h"

namespace cowshed::cli {

namespace {

constexpr std::size_t usual_width = 80;
constexpr std::size_t least_width = 40;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool locale_is_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
}

std::optional<std::size_t> width_in_environment() { return parse_number<std::size_t>(variable("COLUMNS")); }

std::optional<std::size_t> width_of_terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

std::optional<std::size_t> height_of_terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) return std::nullopt;
  return size.ws_row;
}

std::size_t find_width() {
  auto width = width_in_environment();
  if (!width) width = width_of_terminal();
  return std::max(width.value_or(usual_width), least_width);
}

std::string_view sequence_of(Style style) {
  switch (style) {
    case Style::strong:
      return "\033[1m";
    case Style::faint:
      return "\033[2m";
    case Style::good:
      return "\033[32m";
    case Style::warning:
      return "\033[33m";
    case Style::bad:
      return "\033[1;31m";
    case Style::plain:
      break;
  }
  return {};
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Where the first `columns` columns end.
std::size_t end_of(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  while (at < text.size() && columns-- > 0)
    for (++at; at < text.size() && continues_character(text[at]);) ++at;
  return at;
}

}  // namespace

Terminal Terminal::of_stdout() {
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  return {.utf8 = locale_is_utf8(),
          .colour = is_terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb",
          .width = find_width()};
}

std::size_t Terminal::height_of_stdout() {
  constexpr std::size_t usual_height = 24;
  return height_of_terminal().value_or(usual_height);
}

std::string Terminal::paint(Style style, std::string_view text) const {
  if (!colour || style == Style::plain || text.empty()) return std::string(text);
  return fmt::format("{}{}\033[0m", sequence_of(style), text);
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i == 0 || !continues_character(text[i])) ++columns;
  return columns;
}

std::string shorten(std::string_view text, std::size_t width, const Terminal& terminal) {
  const std::size_t columns = columns_of(text);
  if (columns <= width) return std::string(text);
  const std::string_view gap = terminal.utf8 ? "…" : "...";
  const std::size_t gap_columns = columns_of(gap);
  if (width <= gap_columns + 1) return std::string(text.substr(0, end_of(text, width)));
  const std::size_t kept = width - gap_columns;
  const std::size_t tail = (kept + 1) / 2;
  return fmt::format("{}{}{}", text.substr(0, end_of(text, kept - tail)), gap,
                     text.substr(end_of(text, columns - tail)));
}

std::string pad_right(std::string text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

std::string pad_left(const std::string& text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  return columns < width ? std::string(width - columns, ' ') + text : text;
}

}  // namespace cowshed::cli
