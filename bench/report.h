// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "program.h"
#include "rounds.h"

namespace bench {

/// Says at once what has been measured: a case that took minutes is not lost with the one after it.
class Report {
 public:
  /// `title`: what is measured, in words.
  Report(std::string bench, const std::string& title, const CommonOptions& options);

  /// Prints the tables of a case and writes the JSON form with all so far.
  void add(const Results& results, const std::string& reference);
  /// A line below them.
  static void note(const std::string& text);

 private:
  std::string bench_, kernel_, json_;
  std::vector<Row> rows_;
};

/// The row with the smallest median, apart from those of the `others`; nullptr where there is none.
const Row* least(const std::vector<Row>& rows, const std::vector<std::string>& others);

}  // namespace bench
