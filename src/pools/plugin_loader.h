// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "pools/pool.h"

/// Drivers in shared objects. All block and throw Error naming the file: not_found, permission (others could
/// change it), invalid_argument for what is no plug-in, was built against other headers, or fails to load.
namespace cowshed::pools {

/// Loaded on first use, and kept to the end of the process. Thread-safe. Nothing of the file runs before it
/// is known to have been built against headers that fit this program's (pools/plugin.h).
const Driver& load_plugin(const Path& file);

/// Loads it in a child process first, so that one that crashes as it is loaded is refused, too. For when a
/// pool is added: what is configured was tried.
void try_plugin(const Path& file);

}  // namespace cowshed::pools
