// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.h"
#include "base/file.h"
#include "cow/format.h"

namespace cowshed::layers {

/// Writes into the empty file `into` a store with the exceptions of two, where both have one that of `older`,
/// in the smaller of their chunks, which is returned; of `newer` it takes over what lies within `length`. The
/// stores, files or the loop devices over them, must not change meanwhile. Blocks for as long as the copying
/// takes and needs no lock.
cow::ChunkSize fold_stores(const Path& older, const Path& newer, Bytes length, const Fd& into);

}  // namespace cowshed::layers
