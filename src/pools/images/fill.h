// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "pools/volume.h"

/// New images, sparse, from what somebody gives. The file must not exist yet and is not synced; on failure it
/// may be there in part. All block and throw Error.
namespace cowshed::pools::images {

/// A file, a block device, a pipe, or "-": standard input. The image is as large as its content, rounded up
/// to a whole sector. Throws invalid_argument where it is empty.
void fill_from(const GivenImage& source, const Path& image, const ProgressWatch& progress);
/// Of any pool; ended when the last copy of the pointer goes. Not to be called in a host's thread: one that
/// waits for another of them could wait for ever.
std::shared_ptr<const Export> hold_export(Volume& volume);
void fill_from(const Export& source, const Path& image, const ProgressWatch& progress);

/// A new volume's image: with what `options` give it, or `content`, else `size` bytes of zeros. It has its
/// name when all of it is there, and would survive a power loss.
void create_image(const Path& image, Bytes size, const CreateOptions& options, const Export* content);

}  // namespace cowshed::pools::images
