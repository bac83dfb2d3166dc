// SPDX-License-Identifier: Apache-2.0
#include "app/pool_admin.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <system_error>

#include "app/default_pools.h"
#include "app/volume_properties.h"
#include "base/undo.h"
#include "pools/plugin_loader.h"

namespace cowshed::app {

namespace {

int parse_revisions(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("revisions_to_keep: '{}' is not a whole number from 0 on", text));
  return value;
}

/// Where a pool lies. However a path is spelled, by whichever link: the place that it leads to.
std::set<Path> places_of(const pools::Driver& driver, const pools::Parameters& parameters) {
  std::set<Path> places;
  for (const auto& parameter : driver.parameters) {
    const auto found = parameters.find(parameter.name);
    if (parameter.type != pools::Parameter::Type::path || found == parameters.end()) continue;
    std::error_code unreachable;
    const Path place = std::filesystem::weakly_canonical(found->second, unreachable);
    places.insert((unreachable ? Path(found->second) : place) / "");
  }
  return places;
}

bool keeps_volumes(const pools::Driver& driver) {
  return driver.capabilities.contains(pools::Capability::writable_volumes);
}

bool are_twins(const App& app, const PoolDefinition& one, const PoolDefinition& other) {
  const pools::Driver &driver = app.driver_of(one), &others = app.driver_of(other);
  const bool is_same = one.driver == other.driver && one.plugin == other.plugin;
  if (!is_same && !(keeps_volumes(driver) && keeps_volumes(others))) return false;
  const auto places = places_of(driver, one.parameters);
  if (places.empty()) return is_same && one.parameters == other.parameters;
  return places == places_of(others, other.parameters);
}

/// Two pools in one place would take each other's files and devices for their own.
void refuse_twin(const App& app, const PoolDefinition& definition) {
  for (const auto& [name, other] : app.config().pools)
    if (are_twins(app, definition, other))
      throw Error(ErrorKind::exists, fmt::format("pool '{}' lies in the same place", name.str()));
}

void add(App& app, const PoolName& name, PoolDefinition definition) {
  if (app.config().pools.contains(name)) throw Error(ErrorKind::exists, "a pool of that name exists already");
  if (definition.plugin) pools::try_plugin(*definition.plugin);
  definition.parameters = pools::check_parameters(app.driver_of(definition), definition.parameters);
  refuse_twin(app, definition);
  const auto pool = app.make_pool(name, definition);
  app.initialise();
  if (app.config().pools.contains(name)) throw Error(ErrorKind::exists, "a pool of that name exists already");
  pool->setup().get();
  Undo undo([&] { pool->destroy().get(); });
  Config config = app.config();
  config.pools[name] = std::move(definition);
  app.save_config(std::move(config));
  undo.release();
}

void remove(App& app, const PoolName& name) {
  pools::Pool& pool = app.pool(name);
  auto users = volumes_in(app, name);
  const auto defaults = defaults_leading_to(app.config(), name, app.locations().state);
  users.insert(users.end(), defaults.begin(), defaults.end());
  if (!users.empty())
    throw Error(ErrorKind::in_use, fmt::format("it is in use by {}", fmt::join(users, ", ")));
  Config config = app.config();
  config.pools.erase(name);
  app.initialise();
  // The configuration first: a pool that is left behind harms nobody, a configured one that is gone does.
  app.save_config(std::move(config));
  pool.destroy().get();
  app.forget_pool(name);
}

/// Into the pool and its definition.
void take_over(const App& app, pools::Pool& pool, PoolDefinition& definition, std::string_view key,
               const std::string& value) {
  if (key == "revisions_to_keep") {
    pool.set_revisions_to_keep(parse_revisions(value));
    definition.revisions_to_keep = pool.revisions_to_keep();
  } else if (key == "ephemeral_volatile") {
    definition.ephemeral_volatile = parse_bool(key, value);
    pools::check_ephemeral_volatile(app.driver_of(definition), definition.ephemeral_volatile);
    pool.set_ephemeral_volatile(definition.ephemeral_volatile);
  } else {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("unknown key '{}'; there are revisions_to_keep, ephemeral_volatile", key));
  }
}

void set(App& app, const PoolName& name, std::string_view key, const std::string& value) {
  pools::Pool& pool = app.pool(name);
  if (pool.parameters().contains(std::string(key)))
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is decided when the pool is added: add another pool", key));
  Undo restore([&, revisions = pool.revisions_to_keep(), ephemeral = pool.ephemeral_volatile()] {
    pool.set_revisions_to_keep(revisions);
    pool.set_ephemeral_volatile(ephemeral);
  });
  Config config = app.config();
  take_over(app, pool, config.pools[name], key, value);
  app.initialise();
  app.save_config(std::move(config));
  restore.release();
}

template <typename Change>
void change_pool(std::string_view what, const PoolName& name, Change change) {
  in_context([&] { return fmt::format("{} pool '{}'", what, name.str()); }, change);
}

}  // namespace

void add_pool(App& app, const PoolName& name, PoolDefinition definition) {
  change_pool("add", name, [&] { add(app, name, std::move(definition)); });
}

void remove_pool(App& app, const PoolName& name) {
  change_pool("remove", name, [&] { remove(app, name); });
}

void set_pool(App& app, const PoolName& name, std::string_view key, const std::string& value) {
  change_pool("set", name, [&] { set(app, name, key, value); });
}

void set_default(App& app, const std::string& key, const PoolName& pool) {
  in_context([&] { return fmt::format("set {}", key); },
             [&] {
               check_default_pool_key(key);
               app.pool(pool);
               app.initialise();
               Config config = app.config();
               config.defaults.insert_or_assign(key, pool);
               app.save_config(std::move(config));
             });
}

void unset_default(App& app, const std::string& key) {
  in_context([&] { return fmt::format("unset {}", key); },
             [&] {
               check_default_pool_key(key);
               app.initialise();
               Config config = app.config();
               config.defaults.erase(key);
               app.save_config(std::move(config));
             });
}

std::vector<std::string> volumes_in(App& app, const PoolName& pool) {
  std::vector<std::string> result;
  for (const Vm* vm : app.all_vms("which volumes are in the pool"))
    for (const auto* volume : vm->volumes())
      if (volume->pool().name() == pool)
        result.push_back(fmt::format("{}:{}", vm->name().str(), volume->properties().name.str()));
  return result;
}

}  // namespace cowshed::app
