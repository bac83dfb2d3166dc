// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "base/file.h"
#include "pools/pool.h"
#include "pools/volume.h"

/// For drivers whose guests get a file as it is: the file as a block device.
namespace cowshed::pools {

/// A loop device over the file, and over that a device-mapper device, which makes what a loop alone cannot: a
/// UUID by which any process finds it again, an open count that tells whether the guest still holds it, no
/// writes where it is read-only, and no udev rule that reads what the guest wrote. Nothing about it is
/// stored: each question asks the kernel. All block for the time of an ioctl and throw Error.
class GuestDevice {
 public:
  /// `pool_directory` tells pools apart, by device and inode. `volume` outlives this.
  GuestDevice(DriverContext& context, const Path& pool_directory, const Volume& volume);
  ~GuestDevice();
  GuestDevice(const GuestDevice&) = delete;
  GuestDevice& operator=(const GuestDevice&) = delete;

  /// While the volume runs; without device-mapper nothing does.
  [[nodiscard]] std::optional<BlockDevice> find() const;
  /// Direct I/O where the file system has it. Throws running; in_use where the file has a loop device
  /// already.
  BlockDevice attach(const Path& file, bool rw);
  /// Throws in_use while the guest holds it.
  void check_detach() const;
  /// Waits until it is gone: what the guest wrote is in the file's page cache or on disk, so sync the file
  /// before it counts. Throws in_use. Not attached is no error.
  void detach();
  /// `file` and the device become larger; the guest may go on writing.
  void grow(const Path& file, Bytes size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What Pool::recover does for such devices: suspended ones are resumed, half-made ones and those of volumes
/// that are not among `volumes` removed.
RecoveryReport recover_guest_devices(DriverContext& context, const Path& pool_directory,
                                     std::span<Volume* const> volumes, bool dry_run);

}  // namespace cowshed::pools
