// SPDX-License-Identifier: Apache-2.0
#include "app/pool_admin.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "app/default_pools.h"
#include "app/volume_properties.h"
#include "base/log.h"
#include "base/number.h"
#include "base/undo.h"
#include "pools/plugin_loader.h"

namespace cowshed::app {

namespace {

int parse_revisions(const std::string& text) {
  const auto value = parse_number<int>(text);
  if (!value || *value < 0)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("revisions_to_keep: '{}' is not a whole number from 0 on", text));
  return *value;
}

unsigned parse_percent(std::string_view key, const std::string& text) {
  const auto value = parse_number<unsigned>(text);
  if (!value || *value < 1 || *value > 100)
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: '{}' is not 1 to 100 (percent)", key, text));
  return *value;
}

/// Sets one of them from text; false where `key` is none of theirs.
bool set_space_key(SpaceSettings& space, std::string_view key, const std::string& value) {
  const bool is_default = value == "default";
  if (key == "space_warning")
    space.warning = is_default ? SpaceSettings::default_warning : parse_percent(key, value);
  else if (key == "space_hold")
    space.hold = is_default ? std::nullopt : std::optional(parse_size(value));
  else
    return false;
  return true;
}

/// However a path is spelled, by whichever link: the place that it leads to.
pools::Parameters with_places(const pools::Driver& driver, pools::Parameters parameters) {
  for (const auto& parameter : driver.parameters) {
    const auto found = parameters.find(parameter.name);
    if (parameter.type != pools::Parameter::Type::path || found == parameters.end()) continue;
    std::error_code unreachable;
    const Path place = std::filesystem::weakly_canonical(found->second, unreachable);
    if (!unreachable) found->second = place / "";
  }
  return parameters;
}

/// Where a pool lies.
std::set<std::string> places_of(const pools::Driver& driver, const pools::Parameters& parameters) {
  std::set<std::string> places;
  const auto given = with_places(driver, parameters);
  for (const auto& parameter : driver.parameters)
    if (parameter.type == pools::Parameter::Type::path && given.contains(parameter.name))
      places.insert(given.at(parameter.name));
  return places;
}

bool is_same(const pools::Driver& driver, const PoolDefinition& a, const PoolDefinition& b) {
  return a.driver == b.driver && a.plugin == b.plugin &&
         with_places(driver, a.parameters) == with_places(driver, b.parameters);
}

bool keeps_volumes(const pools::Driver& driver) {
  return driver.capabilities.contains(pools::Capability::writable_volumes);
}

/// Nothing where it cannot be loaded: what is wrong with one pool is no other's concern.
const pools::Driver* driver_if_sound(const App& app, const PoolDefinition& definition) {
  try {
    return &app.driver_of(definition);
  } catch (const Error&) {
    return nullptr;
  }
}

bool are_twins(const App& app, const pools::Driver& driver, const PoolDefinition& one,
               const PoolDefinition& other) {
  if (is_same(driver, one, other)) return true;
  const pools::Driver* others = driver_if_sound(app, other);
  if (!others || !keeps_volumes(driver) || !keeps_volumes(*others)) return false;
  const auto places = places_of(driver, one.parameters);
  return !places.empty() && places == places_of(*others, other.parameters);
}

/// Two pools in one place would take each other's files and devices for their own.
void refuse_twin(const App& app, const pools::Driver& driver, const Config& config,
                 const PoolDefinition& definition) {
  for (const auto& [name, other] : config.pools)
    if (are_twins(app, driver, definition, other))
      throw Error(ErrorKind::exists, fmt::format("pool '{}' lies in the same place", name.str()));
}

/// Pools that are to be added together: how the configuration will be, and they themselves.
struct Addition {
  Config config;
  std::vector<std::unique_ptr<pools::Pool>> pools;
};

void plan(App& app, Addition& addition, const PoolName& name, PoolDefinition definition) {
  Config& config = addition.config;
  if (config.pools.contains(name)) throw Error(ErrorKind::exists, "a pool of that name exists already");
  if (definition.plugin) pools::try_plugin(*definition.plugin);
  const pools::Driver& driver = app.driver_of(definition);
  definition.parameters = pools::check_parameters(driver, definition.parameters);
  refuse_twin(app, driver, config, definition);
  addition.pools.push_back(app.make_pool(name, definition));
  config.pools[name] = std::move(definition);
}

Addition plan(App& app, const NewPools& pools) {
  Addition addition{app.config(), {}};
  for (const auto& [name, definition] : pools)
    in_context([&, &added = name] { return fmt::format("add pool '{}'", added.str()); },
               [&, &added = name, &wanted = definition] { plan(app, addition, added, wanted); });
  return addition;
}

void add(App& app, const NewPools& pools) {
  static_cast<void>(plan(app, pools));
  app.initialise();
  // Once more: somebody else's first start may have come between.
  Addition addition = plan(app, pools);
  std::vector<Undo> undo;
  undo.reserve(addition.pools.size());
  for (const auto& pool : addition.pools) {
    in_context([&] { return fmt::format("add pool '{}'", pool->name().str()); },
               [&] { pool->setup().get(); });
    undo.emplace_back([&] { pool->destroy().get(); });
  }
  app.save_config(std::move(addition.config));
  for (Undo& step : undo) step.release();
}

/// Nothing where what is configured cannot be had: there is nothing to take down, then.
pools::Pool* pool_if_sound(App& app, const PoolName& name) {
  if (!app.config().pools.contains(name)) return &app.pool(name);  // Says that there is none.
  try {
    return &app.pool(name);
  } catch (const Error& error) {
    log_warning(fmt::format("nothing of it is removed but its definition: {}", error.message()));
    return nullptr;
  }
}

void remove(App& app, const PoolName& name) {
  pools::Pool* const pool = pool_if_sound(app, name);
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
  if (pool) pool->destroy().get();
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
  } else if (set_space_key(definition.space, key, value)) {
    pool.set_space(definition.space);
  } else {
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format("unknown key '{}'; there are revisions_to_keep, ephemeral_volatile, space_warning, "
                    "space_hold",
                    key));
  }
}

void set(App& app, const PoolName& name, std::string_view key, const std::string& value) {
  pools::Pool& pool = app.pool(name);
  if (pool.parameters().contains(std::string(key)))
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is decided when the pool is added: add another pool", key));
  Undo restore(
      [&, revisions = pool.revisions_to_keep(), ephemeral = pool.ephemeral_volatile(), space = pool.space()] {
        pool.set_space(space);
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
  add(app, {{name, std::move(definition)}});
}

void add_pools(App& app, const NewPools& pools, bool dry_run) {
  dry_run ? static_cast<void>(plan(app, pools)) : add(app, pools);
}

bool has_pool(App& app, const PoolName& name, const PoolDefinition& definition) {
  const auto found = app.config().pools.find(name);
  if (found == app.config().pools.end()) return false;
  if (is_same(app.driver_of(definition), found->second, definition)) return true;
  throw Error(ErrorKind::exists, fmt::format("a pool '{}' exists already, with another driver or other "
                                             "parameters (cowshed pool info {})",
                                             name.str(), name.str()));
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
