// SPDX-License-Identifier: Apache-2.0
#include "rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bench {

namespace {

double p99(const Row& row) { return percentile(row.samples_us, 99); }

double tenth(double value) { return std::round(value * 10) / 10; }

std::vector<std::string> cases_of(const std::vector<Row>& rows) {
  std::vector<std::string> cases;
  for (const Row& row : rows)
    if (std::find(cases.begin(), cases.end(), row.name_of_case) == cases.end())
      cases.push_back(row.name_of_case);
  return cases;
}

std::string line(const Row& row, const Row* reference) {
  std::string text =
      fmt::format("  {:<16}{:>6}{:>12.3f}{:>12.3f}", row.tool, row.n, median(row) / 1000, p99(row) / 1000);
  if (reference != nullptr && median(*reference) > 0)
    text += fmt::format("{:>12.2f}", median(row) / median(*reference));
  if (!row.measure.empty()) text += fmt::format("{:>16.0f} {}", row.value, row.measure);
  return text + "\n";
}

nlohmann::ordered_json to_json(const Row& row) {
  nlohmann::ordered_json object{{"case", row.name_of_case},
                                {"tool", row.tool},
                                {"n", row.n},
                                {"median_us", tenth(median(row))},
                                {"p99_us", tenth(p99(row))}};
  if (!row.measure.empty()) object[row.measure] = tenth(row.value);
  return object;
}

}  // namespace

double percentile(std::vector<double> samples, double percent) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(samples.size()));
  return samples[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

const Row* find_row(const std::vector<Row>& rows, const std::string& name_of_case, const std::string& tool) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.name_of_case == name_of_case && row.tool == tool;
  });
  return found == rows.end() ? nullptr : &*found;
}

std::string table(const std::vector<Row>& rows, const std::string& reference) {
  std::string text;
  for (const std::string& name_of_case : cases_of(rows)) {
    text += fmt::format("{}\n  {:<16}{:>6}{:>12}{:>12}{:>12}\n", name_of_case, "", "n", "median ms", "p99 ms",
                        "x " + reference);
    for (const Row& row : rows)
      if (row.name_of_case == name_of_case) text += line(row, find_row(rows, name_of_case, reference));
    text += "\n";
  }
  return text;
}

std::string json(const std::string& bench, const std::string& kernel, const std::vector<Row>& rows) {
  nlohmann::ordered_json document{
      {"bench", bench}, {"kernel", kernel}, {"rows", nlohmann::ordered_json::array()}};
  for (const Row& row : rows)
    if (!row.table_only) document["rows"].push_back(to_json(row));
  return document.dump() + "\n";
}

}  // namespace bench
