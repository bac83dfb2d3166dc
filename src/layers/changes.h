// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/base.h"
#include "layers/inventory.h"

/// What a snapshot volume has changed, kept so that it can become its base's state (`keep_changes`): its
/// store has a name, and tells in its header for which state of the base's image it is good. All calls block.
namespace cowshed::layers {

/// Takes the snapshot down and keeps its store. What was committed since it started is worked in first: the
/// store then holds all in which the snapshot differs from the state that is the committed one now. Durable
/// when it is answered; until then the snapshot is as it was. Throws in_use while the device is open,
/// no_space.
void stop_keeping(Host& host, const OurDevice& snapshot, Base base, const Path& store);

/// Of a stop_keeping() that was cut off: what was worked in takes the store's place if it is whole, else it
/// goes. The snapshot must not run.
void finish_keeping(const Path& store);

/// Throws not_found where there is none, in_use where `base` has come to hold another state since.
void check_kept(const Path& store, Base base);

/// Writes what a running snapshot has changed into a new file `copy`, as stop_keeping() would; its guest's
/// writes wait while its own store is copied. Throws in_use where the base's image is not its committed
/// state.
void copy_changes(Host& host, const OurDevice& snapshot, Base base, const Path& store, const Path& copy);

}  // namespace cowshed::layers
