// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "io/copy.h"

namespace cowshed::io {

/// Copies all of `source` to the beginning of `target`, which is at least as large and reads as zeros. What
/// is a hole in `source` stays one. Where file systems share extents nothing is copied (Sharing). Else as
/// copy_extents(), with its errors.
CopyReport copy_file(const End& source, const End& target, const CopyOptions& options);

}  // namespace cowshed::io
