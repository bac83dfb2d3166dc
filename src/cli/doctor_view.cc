// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_view.h"

#include <fmt/core.h>

#include <sstream>

#include "cli/console.h"

namespace cowshed::cli {

namespace {

/// "warning  "
constexpr std::size_t margin = 9;

Style style_of(Health health) {
  switch (health) {
    case Health::good:
      return Style::good;
    case Health::warning:
      return Style::warning;
    case Health::bad:
      return Style::bad;
    case Health::unknown:
      break;
  }
  return Style::faint;
}

/// Broken at blanks where a line would be wider than `width`; a word that is wider stands alone. The lines
/// after the first begin with `indent` blanks, for which the first one has room already.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool is_first = result.empty();
    if (!is_first && column + 1 + columns_of(word) > width) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!is_first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += columns_of(word);
  }
  return result;
}

std::string name_of(const api::Doctor::Check& check) {
  return check.about.empty() ? check.id : fmt::format("{} {}", check.id, check.about);
}

std::string lines_of(const api::Doctor::Check& check, const Terminal& terminal) {
  const std::string word(to_string(check.health));
  const std::string arrow = terminal.utf8 ? "→ " : "-> ";
  const std::size_t next_margin = margin + columns_of(arrow);
  std::string text = terminal.paint(style_of(check.health), word) + std::string(margin - word.size(), ' ');
  text += wrapped(one_line(fmt::format("{}: {}", name_of(check), check.seen)), margin, terminal.width);
  if (check.next.empty()) return text + "\n";
  return fmt::format("{}\n{}{}{}\n", text, std::string(margin, ' '), arrow,
                     wrapped(one_line(check.next), next_margin, terminal.width));
}

std::string summary(const api::Doctor::Answer& answer, const Terminal& terminal) {
  std::string text;
  for (const Health health : {Health::bad, Health::warning, Health::unknown, Health::good}) {
    const auto count = answer.count(health);
    const auto part = fmt::format("{} {}", count, to_string(health));
    text += (text.empty() ? "" : ", ") + (count > 0 ? terminal.paint(style_of(health), part) : part);
  }
  return text;
}

}  // namespace

std::string doctor_text(const api::Doctor::Answer& answer, const Terminal& terminal, bool only_trouble) {
  std::string text;
  for (const auto& check : answer.checks)
    if (!only_trouble || check.health != Health::good) text += lines_of(check, terminal);
  return text + summary(answer, terminal);
}

}  // namespace cowshed::cli
