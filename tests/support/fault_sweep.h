// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/cowshed_fixture.h"
#include "support/long_run.h"
#include "support/seed.h"

/// Visits every point at which a command can be cut off.
namespace cowshed::test {

/// Calls and the errors that the kernel may answer them with.
struct FaultKind {
  std::string calls;
  std::vector<std::string> errors;
  /// In a short run only each so many-th call: those that only ask are many, and what they interrupt is the
  /// same.
  unsigned long stride = 1;
};
/// One for each class of calls.
const std::vector<FaultKind>& fault_kinds();

class FaultTest : public CowshedTest {
 protected:
  struct Sweep {
    Command command;
    /// Brings about the state that the command is given in; called before each point.
    std::function<void()> prepare;
    /// The command failed, and said so: is all as it was before, or else right?
    std::function<void(const Everything& before, const std::string& what)> failed;
    /// The command did its work, in spite of the fault or without one.
    std::function<void(const std::string& what)> done;
    /// What comes next where it did its work but warned that something was left over: the next command that
    /// changes something takes that away.
    Command next = {"recover"};
    /// In a short run only each so many-th call of those that would be visited.
    unsigned long stride = 1;
  };
  /// Each call of the command is made to fail in turn; n rises until the command makes no n-th call. A
  /// command that fails must say why in one line that holds the errno's text. In a short run the errors of a
  /// class take turns. Prints how many points there were.
  void fail_each_call(const Sweep& sweep);

  struct KillSweep {
    Command command;
    std::function<void()> prepare;
    /// The command was killed before the call that `what` names.
    std::function<void(const std::string& what)> killed;
    std::function<void(const std::string& what)> done;
    /// As in Sweep.
    unsigned long stride = 1;
    /// Only at these, as in Fault, and at every one of them in a short run, too.
    std::string only = {};
  };
  /// The command is killed before each of its calls in turn; in a short run only before every fifth of those
  /// that change something, beginning anywhere.
  void kill_at_each_call(const KillSweep& sweep);

 private:
  bool fail_one(const Sweep& sweep, const Fault& fault);
  struct Tally {
    int points = 0, failed = 0, survived = 0;
  } tally_;
  std::mt19937_64 random_{seed()};
};

}  // namespace cowshed::test
