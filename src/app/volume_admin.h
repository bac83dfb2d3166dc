// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "app/app.h"

/// Volumes of a VM that exists already. All throw Errors that name VM and volume.
namespace cowshed::app {

struct NewVolume {
  /// Vid and size are filled in.
  pools::VolumeProperties properties;
  /// Not set: the default pool, or the source's.
  std::optional<PoolName> pool = std::nullopt;
  std::optional<Bytes> size = std::nullopt;
};

/// The VM must be stopped. On failure nothing is left. Throws exists, running, invalid_argument, ...; in_use
/// where a VM that stands on this one has a snapshot of another volume of that name, whose source it would
/// become.
pools::Volume& create_volume(Vm& vm, NewVolume wanted, const pools::CreateOptions& content = {});

/// The VM must be stopped and no other may have a snapshot of it (in_use). Cut off half-way, the next command
/// finishes it.
void remove_volume(Vm& vm, const VolumeName& name);

/// Sets one property, durably. What changes how a start goes needs the VM, and for revisions_to_keep to or
/// from -1 also the VMs with a snapshot of it, stopped.
void set_volume_property(Vm& vm, pools::Volume& volume, std::string_view key, std::string_view value);

}  // namespace cowshed::app
