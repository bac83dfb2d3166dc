// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "pools/plugin.h"

namespace cowshed::pools {

/// Read from the file as it lies there; nothing of it is run. Throws invalid_argument for what is no shared
/// object of this machine's, or has no such note.
PluginAbi read_plugin_abi(const Fd& fd, const Path& file);

}  // namespace cowshed::pools
