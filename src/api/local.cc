// SPDX-License-Identifier: Apache-2.0
#include "api/local.h"

#include <fmt/core.h>

#include "api/describe.h"
#include "api/describe_pool.h"
#include "app/default_pools.h"
#include "app/import_conf.h"
#include "app/pool_admin.h"

namespace cowshed::api {

Local::Reading Local::reading() {
  if (app_ && !keeps_) return Reading(*app_);
  auto options = options_;
  options.lock.access = keeps_ ? app::Access::within : app::Access::read;
  // Whoever only asks looks after nothing, and what is looked after must not notice him.
  options.guards_space = false;
  return Reading(std::make_unique<app::App>(std::move(options)));
}

app::App& Local::writing(bool recover_when_due) {
  if (!app_) {
    auto options = options_;
    options.recover_when_due = recover_when_due;
    options.lock.access = app::Access::write;
    app_ = std::make_unique<app::App>(std::move(options));
  }
  return *app_;
}

app::App& Local::keep() {
  options_.stays_locked = true;
  writing(false).initialise();
  keeps_ = true;
  return *app_;
}

app::Turn Local::beside(std::vector<VmName> vms) {
  return {writing().turns(), app::Turn::Definitions::shared, std::move(vms)};
}

app::Turn Local::alone(std::vector<VmName> vms) {
  return {writing().turns(), app::Turn::Definitions::alone, std::move(vms)};
}

PoolList::Answer Local::call(const PoolList&) {
  const auto app = reading();
  PoolList::Answer answer;
  for (const auto& [name, definition] : app->config().pools)
    answer.push_back(describe_pool(*app, name, Detail::brief));
  return answer;
}

PoolDrivers::Answer Local::call(const PoolDrivers&) {
  PoolDrivers::Answer answer;
  for (const auto& driver : options_.drivers != nullptr ? *options_.drivers : pools::drivers())
    answer.push_back(describe(driver));
  return answer;
}

PoolInfoRequest::Answer Local::call(const PoolInfoRequest& request) {
  const PoolName name(request.pool);
  const auto app = reading();
  app->pool(name);
  return describe_pool(*app, name, Detail::full);
}

PoolAdd::Answer Local::call(const PoolAdd& request) {
  const PoolName name(request.pool);
  app::PoolDefinition definition;
  definition.driver = request.driver.value_or("");
  definition.parameters = request.parameters;
  if (request.plugin) definition.plugin = std::filesystem::absolute(*request.plugin);
  const auto turn = alone();
  app::add_pool(writing(), name, std::move(definition));
  return {};
}

PoolImportConf::Answer Local::call(const PoolImportConf& request) {
  const auto import = [&] {
    if (request.dry_run) return app::import_storage_conf(*reading(), request.file, true);
    const auto turn = alone();
    return app::import_storage_conf(writing(), request.file, false);
  };
  const auto imported = import();
  PoolImportConf::Answer answer{request.dry_run, {}};
  for (const auto& [pool, existed] : imported)
    answer.pools.push_back({pool.name.str(), pool.definition.driver, pool.definition.parameters, existed});
  return answer;
}

PoolRemove::Answer Local::call(const PoolRemove& request) {
  const auto turn = alone();
  app::remove_pool(writing(), PoolName(request.pool));
  return {};
}

PoolSet::Answer Local::call(const PoolSet& request) {
  const auto turn = alone();
  app::set_pool(writing(), PoolName(request.pool), request.key, request.value);
  return {};
}

ConfigList::Answer Local::call(const ConfigList&) {
  ConfigList::Answer answer;
  const auto app = reading();
  for (const auto key : app::default_pool_keys()) {
    const auto found = app->config().defaults.find(std::string(key));
    answer.emplace_back(
        key, found == app->config().defaults.end() ? std::nullopt : std::optional(found->second.str()));
  }
  return answer;
}

ConfigGet::Answer Local::call(const ConfigGet& request) {
  app::check_default_pool_key(request.key);
  for (auto& [key, value] : call(ConfigList{}))
    if (key == request.key) return value;
  return std::nullopt;
}

ConfigSet::Answer Local::call(const ConfigSet& request) {
  app::check_default_pool_key(request.key);
  const auto turn = alone();
  app::set_default(writing(), request.key, PoolName(request.value));
  return {};
}

ConfigUnset::Answer Local::call(const ConfigUnset& request) {
  app::check_default_pool_key(request.key);
  const auto turn = alone();
  app::unset_default(writing(), request.key);
  return {};
}

Metrics::Answer Local::call(const Metrics&) {
  if (!metrics_)
    throw Error(ErrorKind::not_running,
                "metrics: the service counts them, and it is not up; see cowshed serve --help");
  return metrics_();
}

Recover::Answer Local::call(const Recover& request) {
  const auto recover = [&] {
    if (request.dry_run) return reading()->recover(true);
    app::App& app = writing(false);
    const auto turn = alone(app.vm_names());
    return app.recover(false);
  };
  auto report = recover();
  return {request.dry_run, report.complete, std::move(report.lines)};
}

}  // namespace cowshed::api
