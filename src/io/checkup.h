// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/checkup.h"
#include "base/host_paths.h"
#include "io/backend.h"

namespace cowshed::io {

/// io_uring: whether this process can have it with all operations that the engine uses. Without it copies are
/// slower, nothing else.
void check_uring(Checkup& checkup, const HostPaths& host, const BackendFactory& open = open_uring);

/// What files in a directory can do, tried with files that never have a name: `PREFIX.direct_io`,
/// `PREFIX.punch_hole` and `PREFIX.sharing`, all unknown where such files cannot be made there.
/// `needs_sharing`: its driver cannot do without.
void check_directory(Checkup& checkup, const std::string& prefix, const std::string& about,
                     const Path& directory, bool needs_sharing);

}  // namespace cowshed::io
