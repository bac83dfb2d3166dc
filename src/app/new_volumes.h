// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "app/app.h"

namespace cowshed::app {

/// What somebody may say about the volumes of a new VM.
struct VolumeWishes {
  /// For every writable volume that is not a snapshot. Excludes `pools`.
  std::optional<PoolName> pool;
  std::map<VolumeName, PoolName> pools;
  std::map<VolumeName, Bytes> sizes;
};

/// The volumes that a VM of that kind gets (docs/configuration.md), each with its pool, vid and size. `above`
/// is its template, where the kind has one. Throws invalid_argument for wishes that cannot be met, not_found
/// for an unknown pool, and what the drivers' checks throw. Nothing is created.
std::vector<VolumeDefinition> plan_volumes(App& app, const pools::VolumeOwner& owner, VmKind kind, Vm* above,
                                           const VolumeWishes& wishes);

/// root 10 GiB, private 2 GiB, volatile 10 GiB; nothing for others.
std::optional<Bytes> default_size(const VolumeName& name);

/// Fills in pool, vid and size of one new volume and has the driver check it. `pool` and `size` are asked
/// for; a snapshot volume takes both from its source.
VolumeDefinition place_volume(App& app, const pools::VolumeOwner& owner, Vm* above,
                              pools::VolumeProperties properties, const std::optional<PoolName>& pool,
                              const std::optional<Bytes>& size);

}  // namespace cowshed::app
