// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "dm/types.h"
#include "loop/loop.h"

namespace cowshed::layers {

/// Attaches a file that outlives the session as its one loop device. Two loop devices over one file have two
/// page caches, and what is written through one is lost to the other without a word; so throws in_use where
/// the file has a loop device already. Autoclear: the kernel detaches it with the last table that holds it.
/// Keep the result until one does.
loop::Loop attach_only_loop(const Path& file, loop::AttachOptions options);

/// Throws in_use as attach_only_loop() would.
void refuse_attached(const Path& file);

/// "/dev/loopN". Throws kernel_refused for what is no loop device any more.
Path loop_node(dm::DeviceNumber device);

/// The file under that loop device has grown.
void grow_loop(dm::DeviceNumber device);

inline dm::DeviceNumber device_number(const loop::Loop& loop) { return {loop.major(), loop.minor()}; }

}  // namespace cowshed::layers
