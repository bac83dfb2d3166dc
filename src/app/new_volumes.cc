// SPDX-License-Identifier: Apache-2.0
#include "app/new_volumes.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "app/default_pools.h"
#include "app/volume_properties.h"

namespace cowshed::app {

namespace {

using pools::Volume;
using pools::VolumeKind;
using pools::VolumeProperties;

const VolumeName root("root"), private_("private"), volatile_("volatile"), kernel("kernel");

/// A volume before it has a place.
struct Planned {
  VolumeProperties properties;
  /// Taken over from the VM that it is a disposable of.
  std::optional<PoolName> pool = std::nullopt;
  std::optional<Bytes> size = std::nullopt;
};

/// Vid is filled in when the pool is known.
VolumeProperties named(const VolumeName& name) { return {.name = name, .vid = Vid("none"), .size = {}}; }

Planned make(const VolumeName& name, VolumeKind kind) {
  Planned result{named(name)};
  result.properties.snap_on_start = kind == VolumeKind::snapshot || kind == VolumeKind::origin_snapshot;
  result.properties.save_on_stop = kind == VolumeKind::origin || kind == VolumeKind::origin_snapshot;
  return result;
}

bool is_default_volume(const VolumeName& name) {
  return name == root || name == private_ || name == volatile_ || name == kernel;
}

/// An additional volume of the template: a snapshot of it, or another empty one where it is never saved.
Planned taken_over(const Volume& volume) {
  const auto& above = volume.properties();
  const bool is_saved = above.save_on_stop || above.snap_on_start;
  Planned result = make(above.name, is_saved ? VolumeKind::snapshot : VolumeKind::volatile_);
  result.properties.rw = above.rw;
  if (!is_saved) result.size = above.size;
  return result;
}

/// A disposable is as writable as its app VM, and its volatile volume lies and is encrypted as there.
void inherit(Planned& planned, const Vm& above) {
  const Volume* same = above.find_volume(planned.properties.name);
  if (same == nullptr) return;
  planned.properties.rw = same->properties().rw;
  if (planned.properties.kind() != VolumeKind::volatile_ || planned.properties.name == kernel) return;
  planned.pool = same->pool().name();
  planned.properties.ephemeral = same->properties().ephemeral;
}

std::vector<Planned> layout(VmKind kind, const Vm* above, bool with_kernel) {
  std::vector<Planned> result;
  result.push_back(make(root, has_template(kind) ? VolumeKind::snapshot : VolumeKind::origin));
  result.push_back(make(private_, kind == VmKind::disposable ? VolumeKind::snapshot : VolumeKind::origin));
  result.push_back(make(volatile_, VolumeKind::volatile_));
  if (with_kernel) result.push_back(make(kernel, VolumeKind::volatile_));
  if (above != nullptr)
    for (const Volume* volume : above->volumes())
      if (!is_default_volume(volume->properties().name)) result.push_back(taken_over(*volume));
  if (kind == VmKind::disposable)
    for (auto& planned : result) inherit(planned, *above);
  for (auto& planned : result)
    if (planned.properties.name == kernel) planned.properties.rw = false;
  return result;
}

Error refusal(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }

/// A wish for a volume that the VM will not have is a typing error.
template <typename Wishes>
void check_names(const Wishes& wishes, const std::vector<Planned>& plan) {
  for (const auto& [name, wish] : wishes) {
    const auto& wanted = name;
    if (std::none_of(plan.begin(), plan.end(), [&](const auto& p) { return p.properties.name == wanted; }))
      throw refusal(fmt::format("the vm will have no volume '{}'", name.str()));
  }
}

template <typename Map>
auto find_wish(const Map& wishes, const VolumeName& name) -> std::optional<typename Map::mapped_type> {
  const auto found = wishes.find(name);
  if (found == wishes.end()) return std::nullopt;
  return found->second;
}

std::optional<PoolName> wished_pool(const VolumeWishes& wishes, const Planned& planned) {
  const auto& properties = planned.properties;
  if (auto own = find_wish(wishes.pools, properties.name)) return own;
  if (wishes.pool && properties.rw && !properties.snap_on_start) return wishes.pool;
  return planned.pool;
}

Volume& source_for(Vm* above, const VolumeName& name) {
  Volume* source = above == nullptr ? nullptr : find_saved_volume(*above, name);
  if (source == nullptr)
    throw refusal(
        fmt::format("volume '{}' begins from a snapshot, but no VM up the template chain saves a "
                    "volume of that name",
                    name.str()));
  return *source;
}

PoolName pool_of_snapshot(Vm* above, const VolumeProperties& properties,
                          const std::optional<PoolName>& pool) {
  const auto& name = properties.name;
  const Volume& source = source_for(above, name);
  if (pool && *pool != source.pool().name())
    throw refusal(fmt::format("volume '{}' is a snapshot and lies in its source's pool '{}', not in '{}'",
                              name.str(), source.pool().name().str(), pool->str()));
  return source.pool().name();
}

Bytes size_for(const VolumeProperties& properties, const std::optional<Bytes>& size) {
  const auto& name = properties.name.str();
  if (properties.snap_on_start) {
    if (size) throw refusal(fmt::format("volume '{}' is a snapshot and has its source's size", name));
    return {};
  }
  if (size && size->count == 0) throw refusal(fmt::format("volume '{}': size 0 is not allowed", name));
  if (size) return *size;
  return default_size(properties.name).value_or(Bytes{});
}

}  // namespace

std::optional<Bytes> default_size(const VolumeName& name) {
  if (name == root || name == volatile_) return gibibytes(10);
  if (name == private_) return gibibytes(2);
  return std::nullopt;
}

VolumeDefinition place_volume(App& app, const pools::VolumeOwner& owner, Vm* above,
                              VolumeProperties properties, const std::optional<PoolName>& pool,
                              const std::optional<Bytes>& size) {
  return in_context([&] { return fmt::format("volume '{}'", properties.name.str()); },
                    [&]() -> VolumeDefinition {
                      properties.size = size_for(properties, size);
                      const PoolName place =
                          properties.snap_on_start ? pool_of_snapshot(above, properties, pool)
                          : pool                   ? *pool
                                 : default_pool_for(app.config(), properties.name, app.locations().state);
                      const pools::Pool& target = app.pool(place);
                      properties.vid = target.make_vid(owner, properties.name);
                      check_properties(properties);
                      check_warm(properties, owner.is_template);
                      target.check(properties);
                      return {place, std::move(properties)};
                    });
}

std::vector<VolumeDefinition> plan_volumes(App& app, const pools::VolumeOwner& owner, VmKind kind, Vm* above,
                                           const VolumeWishes& wishes) {
  if (wishes.pool && !wishes.pools.empty())
    throw refusal("a pool for all volumes and a pool for one of them exclude each other");
  const auto plan = layout(kind, above, owner.kernel.has_value());
  check_names(wishes.pools, plan);
  check_names(wishes.sizes, plan);
  std::vector<VolumeDefinition> result;
  for (const auto& planned : plan) {
    if (planned.properties.snap_on_start && wishes.pools.contains(planned.properties.name))
      throw refusal(fmt::format("volume '{}' is a snapshot: its source decides about the pool",
                                planned.properties.name.str()));
    auto size = find_wish(wishes.sizes, planned.properties.name);
    result.push_back(place_volume(app, owner, above, planned.properties, wished_pool(wishes, planned),
                                  size ? size : planned.size));
  }
  return result;
}

}  // namespace cowshed::app
