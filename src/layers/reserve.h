// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"

/// Space set aside in a sparse file: written there later, it needs none of the file system's.
namespace cowshed::layers {

/// False where there is not so much. The file's size and content stay. Throws not_supported where the file
/// system cannot do that (it does not know fallocate).
bool reserve(const Path& file, Bytes from, Bytes until);
/// Gives back what is reserved behind `used`, of which nothing has been written. Does nothing where it is
/// little.
void give_back(const Path& file, Bytes used);

}  // namespace cowshed::layers
