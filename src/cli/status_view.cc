// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.h"

#include <fmt/core.h>

#include "cli/console.h"
#include "cli/pool_view.h"

namespace cowshed::cli {

namespace {

/// "mail work debian ..." in `room` columns.
std::string as_many_as_fit(const std::vector<std::string>& names, std::size_t room) {
  std::string result;
  std::size_t shown = 0;
  const std::string_view more = "and 9999 more";
  for (const auto& name : names) {
    const bool is_last = shown + 1 == names.size();
    if (result.size() + 1 + name.size() + (is_last ? 0 : more.size() + 1) > room) break;
    result += (shown > 0 ? " " : "") + name;
    ++shown;
  }
  if (shown == names.size()) return result;
  return fmt::format("{}{}and {} more", result, shown > 0 ? " " : "", names.size() - shown);
}

std::string marks_text(const api::Status::Answer& status, const Terminal& terminal) {
  std::string text;
  const auto add = [&](std::size_t number, std::string_view what, Style style) {
    if (number > 0)
      text += (text.empty() ? "" : ", ") + terminal.paint(style, fmt::format("{} {}", number, what));
  };
  add(status.invalid, "invalid", Style::bad);
  add(status.held, "held", Style::bad);
  add(status.commit_pending, "commit pending", Style::bad);
  add(status.dirty, "dirty", Style::warning);
  add(status.outdated, "outdated", Style::warning);
  return text.empty() ? "none dirty or outdated" : text;
}

std::string running_text(const api::Status::Answer& status, const Terminal& terminal) {
  std::string text = fmt::format("{} of {} VMs", status.running, status.vms);
  if (status.partly_running > 0)
    text += terminal.paint(Style::bad, fmt::format(", {} only partly", status.partly_running));
  return text;
}

std::string lines_of(const api::Attention& item, const Terminal& terminal) {
  std::string text = fmt::format(
      "\n{} {}", terminal.paint(Style::warning, "!"),
      shorten(one_line(fmt::format("{} {}", item.about, item.message)), terminal.width - 2, terminal));
  if (!item.next.empty())
    text += fmt::format("\n    {}", shorten(one_line(item.next), terminal.width - 4, terminal));
  return text;
}

}  // namespace

std::string status_text(const api::Status::Answer& status, const Terminal& terminal) {
  constexpr std::size_t key = 10;
  const auto line = [&](std::string_view name, const std::string& value) {
    return fmt::format("{:<{}}{}\n", name, key, value);
  };
  const auto path = [&](const std::string& text) {
    return shorten(one_line(text), terminal.width - key, terminal);
  };
  std::string text = line("state", path(status.state)) + line("devices", path(status.run + "/dev")) +
                     line("running", running_text(status, terminal));
  if (!status.running_vms.empty()) text += line("", as_many_as_fit(status.running_vms, terminal.width - key));
  text += line("volumes", marks_text(status, terminal));
  text += "\n" + pool_table(status.pool_list, terminal);
  if (!status.attention.empty()) text += "\n";
  for (const auto& item : status.attention) text += lines_of(item, terminal);
  return text;
}

}  // namespace cowshed::cli
