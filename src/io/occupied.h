// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "base/file.h"
#include "base/units.h"

namespace cowshed::io {

/// How much of the disk these files take together: what several of them share is counted once (FIEMAP; kernel
/// filesystems/fiemap.rst). Data that is not on the disk yet counts as long as it is. Of a file on a file
/// system that does not tell: what stat(2) says. What does not exist takes nothing. Blocks for as long as it
/// takes to read the extents; throws Error.
Bytes occupied(std::span<const Path> files);

}  // namespace cowshed::io
