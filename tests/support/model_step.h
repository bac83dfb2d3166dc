// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/fault.h"
#include "support/model.h"

namespace cowshed::test::model {

/// How a command is cut off: by the fault shim at one of its calls, or killed when it is done.
struct CutOff {
  std::optional<Fault> fault = {};
  bool is_done_first = false;
  /// Nothing is cut off; Carried::calls tells where it could be.
  bool is_only_counted = false;
  /// Carried out by `cowshed` itself, where it has such a command.
  bool by_command_line = false;
};

inline CutOff only(const Fault& fault) { return {.fault = fault}; }

/// One thing that is done in a game: a command, or what a guest does (`write VM VOLUME OFFSET LENGTH SEED`,
/// `sync VM VOLUME`, `write-read-only VM VOLUME`).
struct Step {
  Words command;
  CutOff cut_off = {};
  /// Where the recovery is killed, too, if there is one to be done.
  std::optional<Fault> recovery = {};

  [[nodiscard]] bool is_guests() const;
  /// One line, which parse() reads: the command, then `@cli`, `@kill:CALLS:NUMBER`, ...
  [[nodiscard]] std::string text() const;
  static Step parse(const std::string& line);
};

using Steps = std::vector<Step>;

/// Lines as text() makes them; those that begin with `#` are remarks.
Steps parse_steps(const std::string& text);

}  // namespace cowshed::test::model
