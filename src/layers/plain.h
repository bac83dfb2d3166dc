// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/base.h"

/// A file handed to the guest as it is: linear(loop(file)). Volatile volumes and volumes with snapshots off.
namespace cowshed::layers {

/// Direct I/O where the file system has it. Throws running; in_use where the file has another loop device.
Running start_plain(Host& host, const VolumeKey& key, const Path& file, bool rw);

/// The same over a new sparse file without a name, on the file system of `directory`: gone with the device.
Running start_plain_unnamed(Host& host, const VolumeKey& key, const Path& directory, Bytes size, bool rw);

/// Larger; file and device both. The guest may go on writing.
void grow_plain(Host& host, const OurDevice& plain, const Path& file, Bytes size);

/// Removes the device before it returns: what the guest wrote is in the file's page cache or on disk.
void stop_plain(Host& host, const OurDevice& plain);

}  // namespace cowshed::layers
