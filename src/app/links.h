// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "app/locations.h"
#include "pools/volume.h"

/// The stable names of devices: RUN/dev/VM/VOLUME -> /dev/dm-7. They follow what runs and are made again by
/// recovery; nothing is synced.
namespace cowshed::app {

/// Makes or atomically replaces the links and fills in `path` of each device; one that has a path already is
/// a plain file and needs none. On failure none is left.
void publish_links(const Locations& locations, const VmName& vm, std::span<pools::BlockDevice> devices);
/// False where there was none.
bool withdraw_link(const Locations& locations, const VmName& vm, const std::string& volume);
/// The VM's whole directory of links; what is in it is not followed. False where there was none.
bool withdraw_links(const Locations& locations, const VmName& vm);

}  // namespace cowshed::app
