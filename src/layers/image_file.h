// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/file.h"
#include "io/copy.h"

namespace cowshed::layers {

/// A new image of `size` bytes: zeros, or the sparse content of `content`, which must not be longer. Appears
/// under its name only when it is whole and on disk, and on failure not at all. Throws exists, not_found,
/// no_space, invalid_argument.
void create_image(const Path& image, Bytes size, const std::optional<Path>& content,
                  const io::CopyProgress& progress);

/// What a creation that was cut off leaves beside the image.
Path half_made(const Path& image);

}  // namespace cowshed::layers
