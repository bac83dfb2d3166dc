// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace cowshed::cli {

namespace {

constexpr const char* key_help =
    "default_pool, default_pool_root, default_pool_private, default_pool_volatile or "
    "default_pool_kernel";

void list_config(Session& session, const api::ConfigList& request) {
  const auto config = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(config));
  Table table({"KEY", "POOL"});
  for (const auto& [key, value] : config) table.add({key, value.value_or("(not set)")});
  session.console.print(table.text());
}

void get_config(Session& session, const api::ConfigGet& request) {
  const auto value = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(value) : value.value_or(""));
}

}  // namespace

void add_config_commands(CLI::App& parent, Session& session) {
  CLI::App& group = add_group(parent, "config", "Which pool new volumes go to");
  add_command<api::ConfigList>(group, session, "list", "List the default pools", list_config);
  {
    const auto [command, request] = add_command<api::ConfigGet>(
        group, session, "get", "Show one; nothing where it is not set", get_config);
    command->add_option("KEY", request->key, key_help)->required();
  }
  {
    const auto [command, request] = add_command<api::ConfigSet>(group, session, "set", "Set one", just_call);
    command->add_option("KEY", request->key, key_help)->required();
    command->add_option("POOL", request->value)->required();
  }
  {
    const auto [command, request] =
        add_command<api::ConfigUnset>(group, session, "unset", "Let one fall back again", just_call);
    command->add_option("KEY", request->key, key_help)->required();
  }
}

}  // namespace cowshed::cli
