// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/fault_sweep.h"

namespace cowshed::test {

/// What was killed is put right in turns by `cowshed recover`, or by the next command that has something to
/// change.
class KillTest : public FaultTest {
 protected:
  /// Alternates from point to point: true where `recover` is to be called; then it has been, and nothing
  /// half-done is in the kernel.
  bool recover_every_other_time(const std::string& what);
  /// `command` works, or is refused with an error that holds `refusal`, because the killed one had done it
  /// already. Either way nothing half-done is in the kernel afterwards.
  void retry(const Command& command, const std::string& refusal, const std::string& what);
  void expect_order(const std::string& what);
  /// "stopped" or "running"; "none" where there is no such VM.
  std::string state_of(const std::string& vm);

  /// A new value for each point, so that what was lost is noticed.
  char next_value() { return value_ = static_cast<char>(value_ == 'z' ? 'a' : value_ + 1); }
  [[nodiscard]] char value() const { return value_; }

 private:
  char value_ = 'a';
  bool turn_ = false;
};

}  // namespace cowshed::test
