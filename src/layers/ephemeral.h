// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/base.h"

/// An encrypted volume whose key nobody knows and nothing stores: snapshot(zero, crypt(loop), N).
///
/// The guest's device is a snapshot of nothing but zeros; what the guest writes goes through dm-crypt
/// (aes-xts-plain64, 512 bit) into a file without a name. So all of it reads as zeros at first, its first
/// 64 KiB like the rest: a bare crypt device over a sparse file would read as noise, in which the guest could
/// find a signature (that is why Qubes overwrites the first 64 KiB of such a device).
///
/// The key is random, handed to the kernel (dm/crypt_key.h), wiped at once, and gone with the crypt device.
/// So that device can be loaded only once: the volume cannot grow while it runs.
namespace cowshed::layers {

/// `directory`: on the file system that is to hold what is written; the file there is as large as a wholly
/// rewritten volume needs, sparse. Read-write. Throws running; not_supported naming the module that the
/// kernel lacks.
Running start_ephemeral(Host& host, const VolumeKey& key, const Path& directory, Bytes size);

/// As stop_snapshot(): `device` and all that it stood on go. Throws in_use while the device is open.
void stop_ephemeral(Host& host, const VolumeKey& key, const OurDevice& device);

}  // namespace cowshed::layers
