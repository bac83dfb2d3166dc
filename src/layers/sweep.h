// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "layers/host.h"
#include "layers/inventory.h"

/// Recovery of devices: what a process that died in the middle of something left in the kernel.
namespace cowshed::layers {

/// Works on all devices whose UUID begins with `uuid_prefix`; returns what was done, or with `dry_run` would
/// be, a line each.
///
/// 1. Inactive tables are cleared, and suspended devices resumed, those below first: suspension outlives the
/// process that
///    asked for it, and a resume would swap in whatever the inactive slot holds.
/// 2. Devices that never got a table, layers whose stop was answered, and what no guest's layer stands on are
/// removed.
/// Those that `resumes` says no to stay suspended.
std::vector<std::string> sweep_devices(Host& host, std::string_view uuid_prefix, bool dry_run,
                                       const std::function<bool(const OurDevice&)>& resumes = nullptr);

/// Removes the devices of volumes that are not among `known` (VolumeKey::volume), as far as nobody holds
/// them.
std::vector<std::string> remove_orphans(Host& host, std::string_view uuid_prefix,
                                        const std::set<std::string>& known, bool dry_run);

}  // namespace cowshed::layers
