// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/format.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace cowshed::cli {

namespace {

std::string size_text(const std::optional<Bytes>& size) { return size ? format_size(*size) : "-"; }

/// Without how each default comes to lead here.
std::string keys_only(const std::vector<std::string>& defaults) {
  std::string result;
  for (const auto& text : defaults) result += (result.empty() ? "" : " ") + text.substr(0, text.find(' '));
  return result;
}

bool list_pools(Session& session, const api::PoolList& request) {
  const auto pools = session.api().call(request);
  if (session.console.json) {
    session.console.print(api::to_json(pools));
    return true;
  }
  Table table({"POOL", "DRIVER", "USED", "SIZE", "DEFAULT FOR"});
  for (const auto& pool : pools)
    table.add(
        {pool.name, pool.driver, size_text(pool.usage), size_text(pool.size), keys_only(pool.default_for)});
  session.console.print(table.text());
  bool is_sound = true;
  for (const auto& pool : pools) {
    // A directory that is not made yet has no size: no fault of the configuration's, whose faults have a
    // place in it.
    if (!pool.error || (pool.error->kind() == ErrorKind::not_found && pool.error->json_pointer().empty()))
      continue;
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
    session.console.print(fmt::format("  can: {}", fmt::join(driver.capabilities, ", ")));
  }
}

void show_pool(Session& session, const api::PoolInfoRequest& request) {
  const auto pool = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(pool));
  std::string text =
      fmt::format("pool: {}\ndriver: {}\nrevisions_to_keep: {}\nephemeral_volatile: {}", pool.name,
                  pool.driver, pool.revisions_to_keep, pool.ephemeral_volatile ? "yes" : "no");
  if (!pool.plugin.empty()) text += fmt::format("\nplugin: {}", pool.plugin);
  for (const auto& [key, value] : pool.parameters) text += fmt::format("\n{}: {}", key, value);
  text += fmt::format("\nfile system: {} used of {}", size_text(pool.usage), size_text(pool.size));
  if (!pool.default_for.empty()) text += fmt::format("\ndefault for: {}", fmt::join(pool.default_for, ", "));
  text += fmt::format("\nvolumes: {}",
                      pool.volumes.empty() ? "none" : fmt::format("{}", fmt::join(pool.volumes, " ")));
  session.console.print(text);
  if (pool.error && pool.error->kind() != ErrorKind::not_found) session.console.print_error(*pool.error);
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
        group, session, "set", "Set a pool's property: revisions_to_keep, ephemeral_volatile", just_call);
    command->add_option("POOL", request->pool)->required();
    command->add_option("KEY", request->key)->required();
    command->add_option("VALUE", request->value)->required();
  }
  register_import_conf(group, session);
}

}  // namespace cowshed::cli
