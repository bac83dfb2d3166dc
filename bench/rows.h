// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// What every benchmark of whole jobs puts out: rows of a case and a tool, as a table for people and as JSON.
namespace bench {

/// The times of one tool in one case.
struct Row {
  /// "start", ...
  std::string name_of_case;
  std::string tool;
  /// How many times it was done. Fewer samples than that where several were timed together.
  int n = 0;
  std::vector<double> samples_us;
  /// For people, not for the JSON form.
  bool table_only = false;
  /// What else there is to tell: a name of the JSON form, such as "bytes", and its value. Empty: nothing.
  std::string measure = {};
  double value = 0;
};

/// Nearest rank: the smallest sample with at least `percent` of all at or below it. 0 without samples.
double percentile(std::vector<double> samples, double percent);
inline double median(const Row& row) { return percentile(row.samples_us, 50); }

/// The row of a case and tool; nullptr where there is none.
const Row* find_row(const std::vector<Row>& rows, const std::string& name_of_case, const std::string& tool);

/// A block for each case, in the order of their first rows, with each tool's ratio to `reference`.
std::string table(const std::vector<Row>& rows, const std::string& reference);

/// {"bench":…,"kernel":…,"rows":[{"case":…,"tool":…,"n":…,"median_us":…,"p99_us":…,MEASURE:…},…]}
std::string json(const std::string& bench, const std::string& kernel, const std::vector<Row>& rows);

}  // namespace bench
