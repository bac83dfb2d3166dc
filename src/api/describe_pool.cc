// SPDX-License-Identifier: Apache-2.0
#include "api/describe_pool.h"

#include <fmt/core.h>

#include <set>

#include "app/batch.h"
#include "app/default_pools.h"
#include "app/pool_relations.h"

namespace cowshed::api {

namespace {

/// The first that fails leaves its reason.
template <typename Question>
void ask(PoolInfo& info, Question question) {
  try {
    question();
  } catch (...) {
    if (!info.error)
      info.error = app::to_error(std::current_exception()).add_context(fmt::format("pool '{}'", info.name));
  }
}

void add_space(PoolInfo& info, app::App& app, const pools::Pool& pool) {
  ask(info, [&] { info.size = pool.size(); });
  ask(info, [&] { info.usage = pool.usage(); });
  const auto relations = app::relations_of(app, pool.name());
  if (relations.included_in) info.included_in = relations.included_in->str();
  for (const auto& other : relations.shares_space_with) info.shares_space_with.push_back(other.str());
}

/// A kernel is the volume of many VMs, and one to count.
void add_volumes(PoolInfo& info, app::App& app, const pools::Pool& pool) {
  pools::UsageDetails sum;
  std::set<std::string> counted;
  for (const auto& listed : app.vms()) {
    ask(info, [&] {
      if (listed.error) throw Error(*listed.error).add_context("cannot tell all volumes");
    });
    if (listed.vm == nullptr) continue;
    for (pools::Volume* volume : listed.vm->volumes()) {
      if (&volume->pool() != &pool) continue;
      info.volumes.push_back(fmt::format("{}:{}", listed.name.str(), volume->properties().name.str()));
      if (counted.insert(volume->properties().vid.str()).second)
        ask(info, [&] { sum += volume->usage_details(); });
    }
  }
  info.usage_details = UsageInfo{sum.images, sum.cows, sum.revisions, sum.volatile_};
}

}  // namespace

PoolInfo describe_pool(app::App& app, const PoolName& name, Detail detail) {
  PoolInfo info;
  info.name = name.str();
  info.default_for = app::defaults_leading_to(app.config(), name, app.locations().state);
  if (const auto definition = app.config().pools.find(name); definition != app.config().pools.end()) {
    info.driver = definition->second.driver;
    info.plugin = definition->second.plugin.value_or("");
  }
  ask(info, [&] {
    const pools::Pool& pool = app.pool(name);
    info.driver = pool.driver();
    info.revisions_to_keep = pool.revisions_to_keep();
    info.ephemeral_volatile = pool.ephemeral_volatile();
    info.space_warning = pool.space().warning;
    info.space_hold = pool.space().hold;
    info.parameters = pool.parameters();
    // Before the first start there are no directories, and nothing is wrong with that.
    if (path_exists(app.locations().config())) add_space(info, app, pool);
    if (detail == Detail::full) add_volumes(info, app, pool);
  });
  return info;
}

}  // namespace cowshed::api
