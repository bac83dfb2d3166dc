// SPDX-License-Identifier: Apache-2.0
#include "support/fault.h"

#include <sstream>

namespace cowshed::test {

Environment environment_for(const Fault& fault, const Path& report) {
  const Path library = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libfault_shim.so";
  Environment environment{{"LD_PRELOAD", library.native()},
                          {"COWSHED_FAULT_CALLS", fault.calls},
                          {"COWSHED_FAULT_AT", std::to_string(fault.at)},
                          {"COWSHED_FAULT_ACTION", fault.action},
                          {"COWSHED_FAULT_COMMAND", fault.command},
                          {"COWSHED_FAULT_REPORT", report.native()}};
  const char* sanitizer = std::getenv("ASAN_OPTIONS");
  environment["ASAN_OPTIONS"] =
      (sanitizer != nullptr ? std::string(sanitizer) + ":" : std::string()) + "verify_asan_link_order=0";
  return environment;
}

FaultReport read_report(const Path& report) {
  FaultReport result;
  std::istringstream text(read_file(report, mebibytes(16)));
  for (std::string word; text >> word;) {
    unsigned long number = 0;
    text >> number;
    std::string name;
    if (word == "count")
      result.count = number;
    else
      text >> name;
    if (word == "hit" && !result.hit) result.hit = name;
  }
  return result;
}

}  // namespace cowshed::test
