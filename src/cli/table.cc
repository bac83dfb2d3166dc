// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cowshed::cli {

namespace {

constexpr std::size_t gap = 2;
/// Of a shortened name something must be left.
constexpr std::size_t least_name = 8;

}  // namespace

Table::Table(const std::vector<std::string>& header, std::vector<Column> columns)
    : columns_(std::move(columns)) {
  std::vector<Cell> row;
  row.reserve(header.size());
  for (const auto& title : header) row.emplace_back(title, Style::strong);
  add(std::move(row));
}

void Table::add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

Table::Column Table::column(std::size_t index) const {
  return index < columns_.size() ? columns_[index] : Column::text;
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i].text));
  }
  return widths;
}

/// The title of a column stays whole.
bool Table::can_shrink(std::size_t index, std::size_t width) const {
  return column(index) == Column::name && width > least_name && width > columns_of(rows_[0][index].text);
}

void Table::shrink(std::vector<std::size_t>& widths, std::size_t width) const {
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1)); };
  while (total() > width) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (can_shrink(i, widths[i]) && (!widest || widths[i] > *widest)) widest = &widths[i];
    if (widest == nullptr) return;
    --*widest;
  }
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        const Terminal& terminal) const {
  std::string result;
  std::size_t blanks = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string text = shorten(row[i].text, widths[i], terminal);
    const std::size_t rest = widths[i] - columns_of(text);
    const bool is_number = column(i) == Column::number;
    if (is_number) blanks += rest;
    if (!text.empty()) {
      result.append(blanks, ' ');
      blanks = 0;
      result += terminal.paint(row[i].style, text);
    }
    blanks += gap + (is_number ? 0 : rest);
  }
  return result;
}

std::string Table::text() const {
  return text({.utf8 = false, .colour = false, .width = std::numeric_limits<std::size_t>::max()});
}

std::string Table::text(const Terminal& terminal) const {
  if (rows_.size() == 1) return {};
  auto columns = widths();
  shrink(columns, terminal.width);
  std::string result;
  for (const auto& row : rows_) result += (result.empty() ? "" : "\n") + line(row, columns, terminal);
  return result;
}

}  // namespace cowshed::cli
