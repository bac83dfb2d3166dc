// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"

namespace cowshed::io {

/// Told the bytes of data copied so far. What it throws ends the copy.
using CopyProgress = std::function<void(Bytes done)>;

/// Copies the data of `from` to the same offsets of `to`; what is a hole in `from` (lseek(2), SEEK_DATA) is
/// left alone, so `to` is to be empty. Blocks; syncs nothing. Throws Error naming the file that failed.
void copy_sparse(const Fd& from, const Path& from_name, const Fd& to, const Path& to_name,
                 const CopyProgress& progress);

}  // namespace cowshed::io
