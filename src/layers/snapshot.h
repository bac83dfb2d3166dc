// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/base.h"

/// S: a snapshot volume's own layer.
namespace cowshed::layers {

/// Snapshot(view of `base`, unnamed transient cow), thrown away at stop. `cow_directory`: on the file system
/// that is to hold the cow. Where the base keeps warm layers (`may_be_warm`), one of these. Throws running
/// when the volume runs already.
Running start_snapshot(Host& host, const VolumeKey& key, Base& base, const Path& cow_directory, bool rw,
                       bool may_be_warm);
/// Snapshot(view of `base`, persistent cow in a new file `store`), for stop_keeping(); an older store of that
/// name goes.
Running start_keeping(Host& host, const VolumeKey& key, Base& base, const Path& store, bool rw);

/// Answered when the device can no longer be found under its name; the layer, and views that nothing stands
/// on any more, are removed by the host's threads. Throws in_use while the device is open.
void stop_snapshot(Host& host, const OurDevice& snapshot, Base base);

/// A newer state of the base was committed since the snapshot started.
bool is_outdated(Host& host, const OurDevice& snapshot, Base& base);

}  // namespace cowshed::layers
