// SPDX-License-Identifier: Apache-2.0
#include "app/default_pools.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace cowshed::app {

namespace {

constexpr std::string_view general_key = "default_pool";
constexpr std::array<std::string_view, 5> keys = {general_key, "default_pool_root", "default_pool_private",
                                                  "default_pool_volatile", "default_pool_kernel"};

/// The parameter that file drivers have for their directory.
constexpr const char* directory_parameter = "dir_path";

bool is_over(const PoolDefinition& pool, const Path& directory) {
  const auto found = pool.parameters.find(directory_parameter);
  if (found == pool.parameters.end()) return false;
  const Path path = Path(found->second).lexically_normal();
  return path == directory || (!path.has_filename() && path.parent_path() == directory);
}

std::optional<DefaultPool> if_set(const Config& config, std::string_view key) {
  const auto found = config.defaults.find(std::string(key));
  if (found == config.defaults.end()) return std::nullopt;
  return DefaultPool{found->second, std::string(key)};
}

std::optional<DefaultPool> last_resort(const Config& config, const Path& state) {
  if (const PoolName name("default"); config.pools.contains(name))
    return DefaultPool{name, "is named 'default'"};
  const auto over = std::find_if(config.pools.begin(), config.pools.end(),
                                 [&](const auto& pool) { return is_over(pool.second, state); });
  if (over == config.pools.end()) return std::nullopt;
  return DefaultPool{over->first, "is over the state directory"};
}

}  // namespace

std::span<const std::string_view> default_pool_keys() { return keys; }

void check_default_pool_key(std::string_view key) {
  if (std::find(keys.begin(), keys.end(), key) == keys.end())
    throw Error(ErrorKind::invalid_argument,
                fmt::format("unknown key '{}'; there are {}", key, fmt::join(keys, ", ")));
}

std::optional<DefaultPool> resolve_default(const Config& config, std::string_view key, const Path& state) {
  if (auto own = if_set(config, key)) {
    own->is_set = true;
    return own;
  }
  if (auto general = if_set(config, general_key)) return general;
  return last_resort(config, state);
}

PoolName default_pool_for(const Config& config, const VolumeName& volume, const Path& state) {
  const auto key = fmt::format("{}_{}", general_key, volume.str());
  const bool has_key = std::find(keys.begin(), keys.end(), key) != keys.end();
  if (const auto found = resolve_default(config, has_key ? key : general_key, state)) return found->pool;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("no pool for volume '{}': set {}{} (cowshed config set KEY POOL)", volume.str(),
                          has_key ? key + " or " : "", general_key));
}

std::vector<std::string> defaults_leading_to(const Config& config, const PoolName& pool, const Path& state) {
  std::vector<std::string> result;
  for (const auto key : keys) {
    const auto found = resolve_default(config, key, state);
    if (!found || found->pool != pool) continue;
    result.push_back(found->is_set ? std::string(key) : fmt::format("{} (not set, falls back to it)", key));
  }
  return result;
}

}  // namespace cowshed::app
