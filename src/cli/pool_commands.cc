// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/format.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/pool_view.h"

namespace cowshed::cli {

namespace {

bool list_pools(Session& session, const api::PoolList& request) {
  const auto pools = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(pools)
                                             : pool_table(pools, Terminal::of_stdout()));
  bool is_sound = true;
  for (const auto& pool : pools) {
    if (!pool.error) continue;
    session.console.print_error(*pool.error);
    is_sound = false;
  }
  return is_sound;
}

void show_drivers(Session& session, const api::PoolDrivers& request) {
  const auto drivers = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(drivers));
  for (const auto& driver : drivers) {
    session.console.print(fmt::format("{}: {}", driver.name, driver.help));
    for (const auto& parameter : driver.parameters)
      session.console.print(fmt::format("  -o {}={}{}  {}", parameter.name, parameter.type,
                                        parameter.required ? " (required)" : "", parameter.help));
    if (!driver.capabilities.empty())
      session.console.print(fmt::format("  can: {}", fmt::join(driver.capabilities, ", ")));
  }
}

void show_pool(Session& session, const api::PoolInfoRequest& request) {
  const auto pool = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(pool) : pool_text(pool, Terminal::of_stdout()));
  if (pool.error) session.console.print_error(*pool.error);
}

struct AddOptions {
  api::PoolAdd request;
  std::vector<std::string> parameters;
};

void add_pool(Session& session, AddOptions& options) {
  options.request.parameters = to_map(options.parameters, "-o");
  session.api().call(options.request);
}

void import_conf(Session& session, const api::PoolImportConf& request) {
  const auto answer = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(answer));
  for (const auto& pool : answer.pools) {
    const char* const what = pool.existed ? "is there already" : answer.dry_run ? "would be added" : "added";
    std::string line = fmt::format("pool '{}' {}: driver {}", pool.name, what, pool.driver);
    for (const auto& [key, value] : pool.parameters) line += fmt::format(", {} {}", key, value);
    session.console.print(one_line(line));
  }
}

void register_import_conf(CLI::App& group, Session& session) {
  const auto [command, request] = add_command<api::PoolImportConf>(
      group, session, "import-conf", "Add the pools of a Qubes R3.2 storage.conf, all or none", import_conf);
  command->add_option("FILE", request->file, "/etc/qubes/storage.conf, or a copy")->required();
  command->add_flag("--dry-run", request->dry_run, "Only tell what would be done");
}

void register_add(CLI::App& group, Session& session) {
  const auto [command, options] = add_command<AddOptions>(group, session, "add", "Add a pool", add_pool);
  command->add_option("POOL", options->request.pool, "Its name")->required();
  auto* how = command->add_option_group("how");
  how->add_option("--driver", options->request.driver, "A driver (pool drivers lists them)")
      ->type_name("DRIVER");
  how->add_option("--plugin", options->request.plugin, "A driver in a shared object (docs/drivers.md)")
      ->type_name("FILE");
  how->require_option(1);
  command->add_option("-o", options->parameters, "A parameter of the driver's")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void add_pool_commands(CLI::App& parent, Session& session) {
  CLI::App& group = add_group(parent, "pool", "Where volumes are kept");
  add_command<api::PoolList>(group, session, "list", "List the pools", list_pools);
  add_command<api::PoolDrivers>(group, session, "drivers", "List the drivers with their parameters",
                                show_drivers);
  {
    const auto [command, request] =
        add_command<api::PoolInfoRequest>(group, session, "info", "Show a pool and what is in it", show_pool);
    command->add_option("POOL", request->pool)->required();
  }
  register_add(group, session);
  {
    const auto [command, request] = add_command<api::PoolRemove>(
        group, session, "remove", "Remove an empty pool that no default leads to", just_call);
    command->add_option("POOL", request->pool)->required();
  }
  {
    const auto [command, request] = add_command<api::PoolSet>(
        group, session, "set",
        "Set a pool's property: revisions_to_keep, ephemeral_volatile, space_warning, space_hold", just_call);
    command->add_option("POOL", request->pool)->required();
    command->add_option("KEY", request->key)->required();
    command->add_option("VALUE", request->value)->required();
  }
  register_import_conf(group, session);
}

}  // namespace cowshed::cli
