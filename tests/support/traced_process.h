// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Runs a program and ends it at a chosen system call: every call that changes something outside the process is
/// a place where it may be killed. By ptrace(2), so the program need not know of it.
namespace cowshed::test {

/// When in the call: before the kernel has done it, while it does it, or before the program learns that it was
/// done.
enum class Moment { before, during, after };
std::string to_string(Moment moment);

struct KillPlan {
  /// Only calls of this kind are counted ("dm load", "fsync", ...); empty: all kinds.
  std::string point;
  /// Killed at this call, counted from 1.
  unsigned nth = 1;
  Moment moment = Moment::before;
  /// Called with the kind of call instead of killing the process: a power cut. Does not return.
  std::function<void(const std::string&)> instead;
};

struct Ended {
  /// As the shell has it; of a killed process 128 + SIGKILL.
  int status = 0;
  /// What it wrote to its standard output.
  std::string output;
  /// The kind of call at which the plan killed it; nothing where it ended before.
  std::optional<std::string> killed_at;
  /// How many calls of each kind it made. Only when it was traced.
  std::map<std::string, unsigned> calls;
};

/// Runs it untraced.
Ended run(const std::vector<std::string>& command);
/// Runs it traced; without a plan only counts.
Ended run_traced(const std::vector<std::string>& command, const std::optional<KillPlan>& plan);
/// Runs it untraced until it has written `line` to its standard output, then kills it.
Ended run_until(const std::vector<std::string>& command, const std::string& line,
                const std::function<void()>& instead = {});

}  // namespace cowshed::test
