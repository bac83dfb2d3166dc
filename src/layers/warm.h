// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layers/host.h"
#include "layers/names.h"
#include "layers/views.h"
#include "layers/warm_stock.h"

/// Warm layers: upper layers that are made before somebody wants them, so that a start is a UUID and a name.
/// What is handed out belongs to its volume like any other layer and never comes back. All calls block.
namespace cowshed::layers {

/// Makes one over `view` of the volume `key` and puts it into the stock; its cow is a file without a name in
/// `directory`. On failure nothing is left. The caller keeps the view and builds alone (WarmStock::building).
void make_warm(Host& host, WarmStock& stock, const VolumeKey& key, const View& view, const Path& directory);

/// Takes one over `view` out of the stock for the volume `key`: from then on its snapshot layer. Nothing
/// where none is ready, or where the kernel refused: that layer is gone then, and the caller makes one anew.
/// The caller keeps the view.
std::optional<dm::DeviceNumber> hand_out_warm(Host& host, WarmStock& stock, const VolumeKey& key,
                                              const View& view);

/// Removes what is condemned, all at once where removal waits. Returns why one is still there; the next call
/// tries again.
std::optional<std::string> remove_condemned(Host& host, WarmStock& stock);

/// Recovery: removes the warm layers of a pool that a process which has ended left, handed out by half or not
/// at all, as far as they are surely ours and nobody has them open: they have our name, no UUID, and stand on
/// a view of this pool and a loop device over a file of its file system, or have no table yet. Returns what
/// was done, or with `dry_run` would be, a line each.
std::vector<std::string> sweep_warm(Host& host, FileId pool_directory, bool dry_run);

}  // namespace cowshed::layers
