// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.h"
#include "cow/format.h"
#include "layers/views.h"

namespace cowshed::layers {

/// An unnamed store with the exceptions of both views' stores, where both have one that of the older, in the
/// smaller of their chunks. It takes over what the newer one has within the older view's size. Blocks for as
/// long as the copying takes and needs no lock: stores of frozen views do not change.
struct FoldedStore {
  Fd file;
  cow::ChunkSize chunk;
};
/// `directory`: on the file system that is to hold it.
FoldedStore fold_stores(const Views::Fold& fold, const Path& directory);

}  // namespace cowshed::layers
