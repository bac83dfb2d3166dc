// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>

namespace bench {

namespace {

void print(const std::string& text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

}  // namespace

Report::Report(std::string bench, const std::string& title, const CommonOptions& options)
    : bench_(std::move(bench)), kernel_(options.kernel), json_(options.json) {
  print(fmt::format("{}, kernel {}: {}\n\n", bench_, kernel_, title));
}

void Report::add(const Results& results, const std::string& reference) {
  for (const auto* rows : {&results.times, &results.cpu}) {
    print(table(*rows, reference));
    rows_.insert(rows_.end(), rows->begin(), rows->end());
  }
  if (!json_.empty()) std::ofstream(json_) << json(bench_, kernel_, rows_);
}

void Report::note(const std::string& text) { print(text + "\n\n"); }

const Row* least(const std::vector<Row>& rows, const std::vector<std::string>& others) {
  const Row* found = nullptr;
  for (const Row& row : rows)
    if (std::ranges::find(others, row.tool) == others.end() && (!found || median(row) < median(*found)))
      found = &row;
  return found;
}

}  // namespace bench
