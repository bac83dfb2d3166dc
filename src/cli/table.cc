// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <fmt/core.h>

#include <algorithm>

namespace cowshed::cli {

Table::Table(std::vector<std::string> header) { add(std::move(header)); }

void Table::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::string Table::text() const {
  if (rows_.size() == 1) return {};
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string result;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    result += (result.empty() ? "" : "\n") + line;
  }
  return result;
}

}  // namespace cowshed::cli
