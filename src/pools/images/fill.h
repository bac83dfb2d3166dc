// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "pools/volume.h"

/// New images, sparse, from what somebody gives. The file must not exist yet and is not synced; on failure it
/// may be there in part. All block and throw Error.
namespace cowshed::pools::images {

/// A file, a block device, a pipe, or "-": standard input. The image is as large as that, rounded up to a
/// whole sector. Throws invalid_argument where it is empty.
void fill_from(const Path& source, const Path& image, const ProgressWatch& progress);
/// Of any pool; ended when the last copy of the pointer goes. Not to be called in a host's thread: one that
/// waits for another of them could wait for ever.
std::shared_ptr<const Export> hold_export(Volume& volume);
void fill_from(const Export& source, const Path& image, const ProgressWatch& progress);

}  // namespace cowshed::pools::images
