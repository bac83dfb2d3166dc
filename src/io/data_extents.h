// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "io/end.h"
#include "io/extent.h"

namespace cowshed::io {

/// The data of a file, each stretch to go to the same offset; its holes are left out (lseek(2), SEEK_DATA). A
/// block device, and a file on a file system that cannot tell, is data from beginning to end. `source` is to
/// live as long as the stream; its file offset moves. What is pulled blocks, and throws Error.
ExtentStream data_extents(const End& source);
/// All of them at once.
std::vector<Extent> list_data(const End& source);

}  // namespace cowshed::io
