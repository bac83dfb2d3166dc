// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"

namespace cowshed::io {

/// Most of the file's data is in the page cache, as far as samples show (mincore(2), which tells the truth
/// only to those who may write the file or own it; others hear yes). Reads nothing. The file offset moves.
bool is_cached(const Fd& fd, const Path& name);

/// Opens a file that is to be read once, from beginning to end: through the page cache where it has most of
/// it, else direct where the file system can.
Fd open_to_read_once(const Path& path);

}  // namespace cowshed::io
