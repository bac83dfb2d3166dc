// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "base/file.h"
#include "io/copy.h"

namespace cowshed::layers {

/// Throws not_found; corrupt_image for what is no whole number of sectors.
Bytes image_size(const Path& image);

/// A new image of `size` bytes: zeros, or the sparse content of `content`, which must not be longer. Appears
/// under its name only when it is whole and on disk, and on failure not at all. Throws exists, not_found,
/// no_space, invalid_argument.
void create_image(const Path& image, Bytes size, const std::optional<Path>& content,
                  const io::CopyProgress& progress);

/// The same with whatever `make` writes into the file it is given.
void create_image_by(const Path& image, const std::function<void(const Path& file)>& make);

}  // namespace cowshed::layers
