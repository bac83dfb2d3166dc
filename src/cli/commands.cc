// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <fmt/core.h>

#include <memory>

namespace cowshed::cli {

CLI::App& add_group(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* const group = parent.add_subcommand(name, help);
  group->require_subcommand(1);
  return *group;
}

CLI::Option* add_format_option(CLI::App& command, std::optional<std::string>& format, std::string_view file) {
  return command
      .add_option("--format", format,
                  fmt::format("What {} is written in: raw, qcow2, vmdk or vdi; else as its first bytes say. "
                              "Say raw where a guest wrote them",
                              file))
      ->type_name("FORMAT");
}

std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view what) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(ErrorKind::invalid_argument, fmt::format("{} '{}': write KEY=VALUE", what, text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::map<std::string, std::string> to_map(const std::vector<std::string>& assignments,
                                          std::string_view what) {
  std::map<std::string, std::string> result;
  for (const auto& text : assignments) {
    auto [key, value] = split_assignment(text, what);
    if (!result.emplace(key, std::move(value)).second)
      throw Error(ErrorKind::invalid_argument, fmt::format("{} '{}' is given twice", what, key));
  }
  return result;
}

}  // namespace cowshed::cli
