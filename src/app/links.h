// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>

#include "app/locations.h"
#include "pools/volume.h"

/// The stable names of devices: RUN/dev/VM/VOLUME -> /dev/dm-7. They follow what runs and are made again by
/// recovery; nothing is synced. For a VM manager that runs as somebody else they lead to nodes of cowshed's
/// own, which have the owner and mode that were asked for: what udev sets on /dev/dm-7 does not concern them.
namespace cowshed::app {

struct NodeAccess {
  /// -1: as the creating process.
  uid_t owner = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
  mode_t mode = 0660;
};

/// Makes or atomically replaces the links, with nodes where `access` is given, and fills in `path` of each
/// device; one that has a path already is a plain file and needs none. On failure none is left.
void publish_links(const Locations& locations, const VmName& vm, std::span<pools::BlockDevice> devices,
                   const std::optional<NodeAccess>& access);
/// What the VM's nodes have; nothing where it has none.
std::optional<NodeAccess> access_of_nodes(const Locations& locations, const VmName& vm);
/// The VM's nodes alone, before its devices go: the number of a device that has gone may become another's.
void withdraw_nodes(const Locations& locations, const VmName& vm);
/// False where there was none.
bool withdraw_link(const Locations& locations, const VmName& vm, const std::string& volume);
/// The VM's nodes and its whole directory of links; what is in it is not followed. False where there was
/// none.
bool withdraw_links(const Locations& locations, const VmName& vm);

}  // namespace cowshed::app
