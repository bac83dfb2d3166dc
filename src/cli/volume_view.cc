// SPDX-License-Identifier: Apache-2.0
#include "cli/volume_view.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

namespace cowshed::cli {

std::string size_text(const std::optional<Bytes>& size) { return size ? format_size(*size) : "-"; }

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%F %T}", fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(time)));
}

std::vector<Cell> marks_of(const api::VolumeInfo& volume) {
  std::vector<Cell> marks;
  if (volume.is_invalid.value_or(false)) marks.emplace_back("invalid", Style::bad);
  if (volume.is_held.value_or(false)) marks.emplace_back("held", Style::bad);
  if (volume.is_commit_pending.value_or(false))
    marks.emplace_back("commit pending", Style::bad);
  else if (volume.is_dirty.value_or(false))
    marks.emplace_back("dirty", Style::warning);
  if (volume.is_outdated.value_or(false)) marks.emplace_back("outdated", Style::warning);
  return marks;
}

namespace {

/// Painted as the worst of what it says.
Cell state_of(const api::VolumeInfo& volume) {
  if (!volume.is_running) return {"unknown", Style::bad};
  Cell state(*volume.is_running ? "running" : "stopped", *volume.is_running ? Style::good : Style::plain);
  const auto marks = marks_of(volume);
  if (!marks.empty()) state.style = marks.front().style;
  for (const Cell& mark : marks) state.text += ", " + mark.text;
  return state;
}

}  // namespace

std::string volume_table(const std::vector<api::VolumeInfo>& volumes, const Terminal& terminal) {
  using Column = Table::Column;
  Table table({"VOLUME", "KIND", "RW", "SIZE", "USED", "POOL", "STATE"},
              {Column::name, Column::text, Column::text, Column::number, Column::number, Column::name});
  for (const auto& volume : volumes)
    table.add({fmt::format("{}:{}", volume.vm, volume.name.empty() ? "?" : volume.name), volume.kind,
               volume.name.empty() ? "" : (volume.rw ? "rw" : "ro"), size_text(volume.size),
               size_text(volume.usage), volume.pool, state_of(volume)});
  return table.text(terminal);
}

}  // namespace cowshed::cli
