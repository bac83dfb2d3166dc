// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <fmt/core.h>

namespace bench {

void add_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--kernel", options.kernel, "what the results say it ran on");
  app.add_option("--rounds", options.rounds, "how often each tool does each case")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--json", options.json, "write the results to this file");
  app.add_option("--only", options.only, "measure these tools only")->delimiter(',');
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& measure) {
  CLI11_PARSE(app, argc, argv);
  try {
    measure();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), error.what());
    return 1;
  }
  return 0;
}

}  // namespace bench
