// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace cowshed::cli {

/// What stands in a table, and how it is painted.
struct Cell {
  // NOLINTBEGIN(google-explicit-constructor): a row is written as a list of texts.
  Cell(std::string_view value, Style how = Style::plain) : text(value), style(how) {}
  Cell(const std::string& value) : text(value) {}
  Cell(const char* value) : text(value) {}
  // NOLINTEND(google-explicit-constructor)
  std::string text;
  Style style = Style::plain;
};

/// Columns for people: as wide as their widest cell, two blanks apart, nothing after the last.
class Table {
 public:
  enum class Column {
    text,
    /// To the right.
    number,
    /// Loses the middle of its cells where the table is wider than the terminal.
    name
  };

  /// Columns beyond those of `columns` are text.
  explicit Table(const std::vector<std::string>& header, std::vector<Column> columns = {});
  void add(std::vector<Cell> row);
  /// Without a newline at the end; empty without rows. As wide as need be.
  [[nodiscard]] std::string text() const;
  /// The same for a terminal: within its width as far as names can be shortened, painted.
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  [[nodiscard]] Column column(std::size_t index) const;
  [[nodiscard]] std::vector<std::size_t> widths() const;
  [[nodiscard]] bool can_shrink(std::size_t index, std::size_t width) const;
  void shrink(std::vector<std::size_t>& widths, std::size_t width) const;
  [[nodiscard]] std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                                 const Terminal& terminal) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace cowshed::cli
