// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cli/session.h"

/// Shorthands for registering commands.
namespace cowshed::cli {

/// A command whose options fill a request of type `Request`. `work` gets session and request; it returns
/// nothing, or whether all was done.
template <typename Request, typename Work>
std::pair<CLI::App*, Request*> add_command(CLI::App& parent, Session& session, const std::string& name,
                                           const std::string& help, Work work) {
  CLI::App* const command = parent.add_subcommand(name, help);
  auto request = std::make_shared<Request>();
  command->callback([&session, request, work] {
    session.set_work([request, work](Session& running) {
      if constexpr (std::is_void_v<decltype(work(running, *request))>) {
        work(running, *request);
        return true;
      } else {
        return work(running, *request);
      }
    });
  });
  return {command, request.get()};
}

/// Carries the request out and answers nothing.
inline constexpr auto just_call = [](Session& session, const auto& request) { session.api().call(request); };

/// A group of commands, one of which must be given.
CLI::App& add_group(CLI::App& parent, const std::string& name, const std::string& help);

/// --format, of the image `file`.
CLI::Option* add_format_option(CLI::App& command, std::optional<std::string>& format, std::string_view file);

/// "KEY=VALUE"; throws Error invalid_argument naming `what`.
std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view what);
/// One of each key; throws Error invalid_argument.
std::map<std::string, std::string> to_map(const std::vector<std::string>& assignments, std::string_view what);

}  // namespace cowshed::cli
