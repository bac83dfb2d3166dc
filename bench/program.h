// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

/// The command line of every benchmark of whole jobs.
namespace bench {

struct CommonOptions {
  /// Of rows.h's JSON form.
  std::string kernel = "host";
  /// How often each tool does each case.
  int rounds = 0;
  /// The file for the JSON form; empty: none.
  std::string json;
  /// Tools' names; empty: all.
  std::vector<std::string> only;
};

void add_options(CLI::App& app, CommonOptions& options);

/// Reads the command line, then does `measure`. What main returns: what throws is printed.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& measure);

}  // namespace bench
