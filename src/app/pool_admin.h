// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/app.h"

/// Pools and default-pool properties. Every change is durable when it returns, and on failure nothing
/// changed.
namespace cowshed::app {

/// Throws exists, not_found for the driver (listing those there are), invalid_argument for its parameters.
void add_pool(App& app, const PoolName& name, PoolDefinition definition);

using NewPools = std::vector<std::pair<PoolName, PoolDefinition>>;
/// All or none. With `dry_run` only what can be checked beforehand is checked.
void add_pools(App& app, const NewPools& pools, bool dry_run);
/// Whether that pool is there already. Throws exists where there is another of that name.
bool has_pool(App& app, const PoolName& name, const PoolDefinition& definition);

/// Throws in_use listing the volumes in it and the defaults that name it or fall back to it.
void remove_pool(App& app, const PoolName& name);

/// revisions_to_keep, ephemeral_volatile, space_warning, space_hold; running volumes go on as they are.
/// Throws invalid_argument listing the keys there are, not_supported for what the driver cannot.
void set_pool(App& app, const PoolName& name, std::string_view key, const std::string& value);

/// default_pool, default_pool_root, ...
void set_default(App& app, const std::string& key, const PoolName& pool);
void unset_default(App& app, const std::string& key);

/// "work:root", ... in that pool. Reads all definitions; throws where one cannot be read.
std::vector<std::string> volumes_in(App& app, const PoolName& pool);

}  // namespace cowshed::app
