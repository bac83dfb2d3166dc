// SPDX-License-Identifier: Apache-2.0
#include "cli/tree_lines.h"

#include <algorithm>

#include "cli/console.h"

namespace cowshed::cli {

namespace {

constexpr std::size_t gap = 2;
/// Shorter, a name says nothing.
constexpr std::size_t least_name = 10;

struct Line {
  std::string branch;
  const Twig* twig;
};

struct Glyphs {
  const char *inner, *last, *through, *nothing;
};
constexpr Glyphs drawn{"├─", "└─", "│ ", "  "};
constexpr Glyphs typed{"|-", "`-", "| ", "  "};

void flatten(const std::vector<Twig>& twigs, const std::string& indent, const Glyphs& glyphs,
             std::vector<Line>& lines) {
  for (const Twig& twig : twigs) {
    const bool is_last = &twig == &twigs.back();
    lines.push_back({indent + (is_last ? glyphs.last : glyphs.inner), &twig});
    flatten(twig.below, indent + (is_last ? glyphs.nothing : glyphs.through), glyphs, lines);
  }
}

std::vector<Line> lines_of(const std::vector<Twig>& trees, const Terminal& terminal) {
  const Glyphs& glyphs = terminal.utf8 ? drawn : typed;
  std::vector<Line> lines;
  for (const Twig& tree : trees) {
    lines.push_back({"", &tree});
    flatten(tree.below, "", glyphs, lines);
  }
  return lines;
}

/// Of the whole drawing.
struct Widths {
  std::size_t left = 0, node = 0, size = 0;

  Widths(const std::vector<Line>& lines, const Terminal& terminal) {
    for (const Line& line : lines) {
      left = std::max(left, columns_of(line.branch) + columns_of(line.twig->label));
      node = std::max(node, columns_of(line.twig->node));
      size = std::max(size, columns_of(line.twig->size));
    }
    left = std::min(left, terminal.width * 3 / 8);
  }
  [[nodiscard]] std::size_t remarks() const { return left + gap + node + gap + size + gap; }
};

/// As many as fit into `room` columns.
std::string remarks_of(const Twig& twig, std::size_t room, const Terminal& terminal) {
  std::string result;
  for (const Remark& remark : twig.remarks) {
    const std::size_t separator = result.empty() ? 0 : 2;
    std::string text = one_line(remark.text);
    const std::size_t columns = columns_of(text) + separator;
    if (columns > room) {
      if (!remark.is_name || room < least_name + separator) continue;
      text = shorten(text, room - separator, terminal);
    }
    room -= std::min(room, columns_of(text) + separator);
    result += (separator > 0 ? ", " : "") + terminal.paint(remark.style, text);
  }
  return result;
}

std::string without_blanks_behind(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string text_of(const Line& line, const Widths& widths, const Terminal& terminal) {
  const std::size_t branch = columns_of(line.branch);
  const std::size_t room = widths.left > branch ? widths.left - branch : 1;
  const std::string label = shorten(one_line(line.twig->label), room, terminal);
  std::string text = terminal.paint(Style::faint, line.branch) + terminal.paint(line.twig->style, label);
  text.append(widths.left - std::min(widths.left, branch + columns_of(label)) + gap, ' ');
  text += pad_right(line.twig->node, widths.node + gap) + pad_left(line.twig->size, widths.size);
  text.append(gap, ' ');
  return without_blanks_behind(
      text + remarks_of(*line.twig, terminal.width - std::min(terminal.width, widths.remarks()), terminal));
}

}  // namespace

std::string draw(const std::vector<Twig>& trees, const Terminal& terminal) {
  const auto lines = lines_of(trees, terminal);
  const Widths widths(lines, terminal);
  std::string result;
  for (const Line& line : lines) result += (result.empty() ? "" : "\n") + text_of(line, widths, terminal);
  return result;
}

}  // namespace cowshed::cli
