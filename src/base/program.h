// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

/// Other programs, run directly: no shell sees their arguments.
namespace cowshed {

/// Where $PATH has it; nothing where it is not installed.
std::optional<Path> find_program(const std::string& name);

struct ProgramEnd {
  /// As exit(3); 128 and the number of the signal that ended it.
  int status = 0;
  /// The first MiB of each.
  std::string out, err;
};

/// Called ten times a second with what the program has printed so far.
using ProgramWatch = std::function<void(std::string_view out)>;

/// Runs `command` (a path, then arguments) to its end, without input. The descriptors in `inherited` are
/// passed on under their numbers, no others. What `watch` throws kills the program, and so does the end of
/// this thread. Ctrl-C does not reach it: whoever watches decides. Blocks; throws where it cannot be started.
ProgramEnd run_program(const std::vector<std::string>& command, const std::vector<int>& inherited,
                       const ProgramWatch& watch);

}  // namespace cowshed
