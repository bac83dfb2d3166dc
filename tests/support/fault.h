// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "support/process.h"

namespace cowshed::test {

/// What tests/support/fault_shim.c is to do to a program.
struct Fault {
  /// As COWSHED_FAULT_CALLS: "all", "ioctl", "open", "DM_TABLE_LOAD", ...
  std::string calls = "all";
  /// From 1; 0: only count.
  unsigned long at = 0;
  /// As COWSHED_FAULT_ACTION: "ENOMEM", "kill", "kill-after", "powercut", ...
  std::string action = "count";
  /// For the action "run".
  std::string command = {};
};

struct FaultReport {
  /// The call that was hit; nothing where the program made fewer.
  std::optional<std::string> hit;
  /// How many calls counted; 0 where the program was killed.
  unsigned long count = 0;
};

/// `report`: where the shim leaves its report. Asks for the library beside the running test's executable.
Environment environment_for(const Fault& fault, const Path& report);
FaultReport read_report(const Path& report);

}  // namespace cowshed::test
