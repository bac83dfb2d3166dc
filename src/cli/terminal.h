// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cowshed::cli {

enum class Style { plain, strong, faint, good, warning, bad };

/// What the place where an answer is read can show.
struct Terminal {
  /// Lines and bars may be drawn with characters beyond ASCII.
  bool utf8 = false;
  bool colour = false;
  /// Columns.
  std::size_t width = 80;

  /// UTF-8 where the locale has it; colours only on a terminal, and not with NO_COLOR (no-color.org) or
  /// TERM=dumb; the width is $COLUMNS, else the terminal's, else 80.
  static Terminal of_stdout();
  /// Lines: the terminal's, else 24.
  static std::size_t height_of_stdout();

  /// The same without colour.
  [[nodiscard]] std::string paint(Style style, std::string_view text) const;
};

/// Columns that a text takes: characters of UTF-8, bytes that are none of it one each.
std::size_t columns_of(std::string_view text);
/// What is longer than `width` columns loses its middle: "vm-templ…/root.img". Ends tell more.
std::string shorten(std::string_view text, std::size_t width, const Terminal& terminal);
/// "12:root" in blanks, to the left or to the right. What is longer stays.
std::string pad_right(std::string text, std::size_t width);
std::string pad_left(const std::string& text, std::size_t width);

}  // namespace cowshed::cli
