// SPDX-License-Identifier: Apache-2.0
#include "support/model_step.h"

#include <fmt/core.h>

#include "support/process.h"

namespace cowshed::test::model {

namespace {

constexpr const char *done = "@killed-when-done", *counted = "@counted", *command_line = "@cli";
/// Before the action of the fault.
constexpr const char *of_command = "@", *of_recovery = "@recovery-";

/// "@kill:open,openat:3"
std::string text_of(const Fault& fault, const std::string& whose) {
  return fmt::format(" {}{}:{}:{}", whose, fault.action, fault.calls, fault.at);
}

Fault parse_fault(const std::string& text) {
  const auto calls = text.find(':'), at = text.rfind(':');
  return {.calls = text.substr(calls + 1, at - calls - 1),
          .at = std::stoul(text.substr(at + 1)),
          .action = text.substr(0, calls)};
}

void parse_mark(const std::string& word, Step& step) {
  if (word == done)
    step.cut_off.is_done_first = true;
  else if (word == counted)
    step.cut_off.is_only_counted = true;
  else if (word == command_line)
    step.cut_off.by_command_line = true;
  else if (word.starts_with(of_recovery))
    step.recovery = parse_fault(word.substr(std::string(of_recovery).size()));
  else
    step.cut_off.fault = parse_fault(word.substr(std::string(of_command).size()));
}

}  // namespace

bool Step::is_guests() const {
  const std::string& what = command.at(0);
  return what == "write" || what == "sync" || what == "write-read-only";
}

std::string Step::text() const {
  std::string line = join(command);
  if (cut_off.by_command_line) line += fmt::format(" {}", command_line);
  if (cut_off.is_only_counted) line += fmt::format(" {}", counted);
  if (cut_off.is_done_first) line += fmt::format(" {}", done);
  if (cut_off.fault) line += text_of(*cut_off.fault, of_command);
  if (recovery) line += text_of(*recovery, of_recovery);
  return line;
}

Step Step::parse(const std::string& line) {
  Step step;
  for (const auto& word : split(line))
    if (word.starts_with('@'))
      parse_mark(word, step);
    else
      step.command.push_back(word);
  return step;
}

Steps parse_steps(const std::string& text) {
  Steps steps;
  for (const auto& line : lines_of(text))
    if (!split(line).empty() && !line.starts_with('#')) steps.push_back(Step::parse(line));
  return steps;
}

}  // namespace cowshed::test::model
