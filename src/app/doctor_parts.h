// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>

#include "app/definition.h"
#include "app/locations.h"
#include "base/checkup.h"
#include "base/host_paths.h"

/// The parts of examine(): each adds its checks. Not for use elsewhere.
namespace cowshed::app {

/// What the definitions say, read without the state directory's lock: they are replaced as a whole. What
/// cannot be read is missing here.
struct Definitions {
  std::optional<Config> config;
  std::map<VmName, VmDefinition> vms;
};

/// The effective rights, as /proc/self/status tells.
struct Rights {
  bool is_root = false;
  /// CAP_SYS_ADMIN, CAP_IPC_LOCK
  bool administers = false, locks_memory = false;
  static Rights of(const HostPaths& host);
};

/// kernel, rights, limit.files, limit.memlock, limit.system_files, program.qemu-img
void check_host(Checkup& checkup, const HostPaths& host);
/// udev.running, udev.rules
void check_udev(Checkup& checkup, const HostPaths& host);
/// lvm.filter
void check_lvm(Checkup& checkup, const HostPaths& host);
/// state.directory, run.directory, state.config, state.vms, service. Fills in `definitions`.
void check_state(Checkup& checkup, const Locations& locations, Definitions& definitions);
/// pool.* of each pool
void check_pools(Checkup& checkup, const HostPaths& host, const Locations& locations,
                 const Definitions& definitions);
/// pools.apart, volumes.apart: nothing has two owners.
void check_owners(Checkup& checkup, const Definitions& definitions);

}  // namespace cowshed::app
