// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cowshed::test {

/// What became of a program.
struct Outcome {
  /// As exit(3); -1 where a signal ended it.
  int status = -1;
  int signal = 0;
  std::string out;
  std::string err;
  [[nodiscard]] bool ok() const { return status == 0; }
  /// For messages: status and both outputs.
  [[nodiscard]] std::string text() const;
};

using Environment = std::map<std::string, std::string>;

/// Runs a program to its end, without input; `program` is looked for on PATH. `environment` is added to ours.
Outcome run_program(const std::vector<std::string>& program, const Environment& environment = {});

std::vector<std::string> lines_of(const std::string& text);

}  // namespace cowshed::test
