// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/definition.h"

/// Which pool a new volume goes to when nobody said. Pure: looks at the configuration only.
namespace cowshed::app {

/// default_pool, default_pool_root, default_pool_private, default_pool_volatile, default_pool_kernel.
std::span<const std::string_view> default_pool_keys();
/// Throws invalid_argument listing the keys there are.
void check_default_pool_key(std::string_view key);

struct DefaultPool {
  PoolName pool;
  /// Why this one: "default_pool_root", "default_pool", "is named 'default'", "is over the state directory".
  std::string reason;
  /// The key itself is set, nothing was fallen back to.
  bool is_set = false;
};

/// What `key` comes to: its value; else default_pool's; else the pool named `default`; else the pool over
/// the state directory; else nothing.
std::optional<DefaultPool> resolve_default(const Config& config, std::string_view key, const Path& state);

/// For a new volume of that name. Throws invalid_argument saying which property to set.
PoolName default_pool_for(const Config& config, const VolumeName& volume, const Path& state);

/// The defaults that name `pool` or fall back to it, for people: "default_pool_root", "default_pool (not set,
/// falls back to it)".
std::vector<std::string> defaults_leading_to(const Config& config, const PoolName& pool, const Path& state);

}  // namespace cowshed::app
