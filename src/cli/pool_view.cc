// SPDX-License-Identifier: Apache-2.0
#include "cli/pool_view.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include "api/attention.h"
#include "cli/table.h"
#include "cli/volume_view.h"

namespace cowshed::cli {

namespace {

constexpr unsigned bar_length = 5;
constexpr unsigned full = 97;

/// "private others". What is not set follows default_pool, the others.
std::string volumes_placed_here(const std::vector<std::string>& defaults) {
  constexpr std::string_view start = "default_pool_";
  std::string result;
  bool is_for_others = false;
  for (const auto& text : defaults) {
    const auto key = text.substr(0, text.find(' '));
    if (!key.starts_with(start))
      is_for_others = true;
    else if (key == text)
      result += (result.empty() ? "" : " ") + key.substr(start.size());
  }
  if (is_for_others) result += result.empty() ? "others" : " others";
  return result;
}

Style style_of(const api::PoolInfo& pool) {
  if (!api::is_nearly_full(pool)) return Style::plain;
  return *api::percent_used(pool) >= full ? Style::bad : Style::warning;
}

/// "images 1.2 GiB, cows 64.0 KiB, ..."
std::string details_text(const api::UsageInfo& usage) {
  return fmt::format("images {}, cows {}, revisions {}, volatile {}", format_size(usage.images),
                     format_size(usage.cows), format_size(usage.revisions), format_size(usage.volatile_));
}

std::string names(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, " ")); }

}  // namespace

std::string usage_bar(const api::PoolInfo& pool, const Terminal& terminal) {
  const auto percent = api::percent_used(pool);
  if (!percent) return {};
  const unsigned filled = (*percent * bar_length + 99) / 100;
  std::string bar;
  for (unsigned i = 0; i < bar_length; ++i)
    bar += i < filled ? (terminal.utf8 ? "█" : "#") : (terminal.utf8 ? "░" : ".");
  return fmt::format("{} {:3} %", bar, *percent);
}

std::string pool_table(const std::vector<api::PoolInfo>& pools, const Terminal& terminal) {
  using Column = Table::Column;
  Table table(
      {"POOL", "DRIVER", "USED", "SIZE", "", "IN POOL", "DEFAULT"},
      {Column::name, Column::text, Column::number, Column::number, Column::text, Column::name, Column::name});
  for (const auto& pool : pools)
    table.add({pool.name, pool.driver, size_text(pool.usage), size_text(pool.size),
               Cell(usage_bar(pool, terminal), style_of(pool)), pool.included_in.value_or("-"),
               volumes_placed_here(pool.default_for)});
  return table.text(terminal);
}

std::string pool_text(const api::PoolInfo& pool, const Terminal& terminal) {
  std::string text =
      fmt::format("pool: {}\ndriver: {}\nrevisions_to_keep: {}\nephemeral_volatile: {}", pool.name,
                  pool.driver, pool.revisions_to_keep, pool.ephemeral_volatile ? "yes" : "no");
  text += fmt::format("\nspace_warning: {} %", pool.space_warning);
  if (pool.space_hold) text += fmt::format("\nspace_hold: {}", format_size(*pool.space_hold));
  if (!pool.plugin.empty()) text += fmt::format("\nplugin: {}", pool.plugin);
  for (const auto& [key, value] : pool.parameters) text += fmt::format("\n{}: {}", key, value);
  text += fmt::format("\nfile system: {} used of {}  {}", size_text(pool.usage), size_text(pool.size),
                      terminal.paint(style_of(pool), usage_bar(pool, terminal)));
  if (pool.usage_details) text += "\nof that: " + details_text(*pool.usage_details);
  if (pool.included_in) text += "\nincluded in: " + *pool.included_in;
  if (!pool.shares_space_with.empty())
    text += "\nshares its file system with: " + names(pool.shares_space_with);
  if (!pool.default_for.empty()) text += fmt::format("\ndefault for: {}", fmt::join(pool.default_for, ", "));
  text += "\nvolumes: " + (pool.volumes.empty() ? "none" : names(pool.volumes));
  return text;
}

}  // namespace cowshed::cli
