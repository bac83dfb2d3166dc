// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pools/driver_context.h"
#include "pools/pool.h"

/// The `linux-kernel` driver: a directory of kernels, DIR/NAME/{vmlinuz,initramfs,modules.img}. Volumes are
/// read-only and nobody's: the vid is the kernel's name, modules.img is handed out as the file it is, and
/// nothing is ever created or removed.
namespace cowshed::pools::kernels {

class KernelsPool : public Pool {
 public:
  explicit KernelsPool(PoolSpec spec);

  [[nodiscard]] const Path& directory() const { return directory_; }

  void set_revisions_to_keep(int value) override;
  Operation<void> setup() override;
  Operation<void> destroy() override;
  [[nodiscard]] Vid make_vid(const VolumeOwner& owner, const VolumeName& volume) const override;
  void check(const VolumeProperties& properties) const override;
  std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) override;

 private:
  Path directory_;
};

Driver driver();

}  // namespace cowshed::pools::kernels
