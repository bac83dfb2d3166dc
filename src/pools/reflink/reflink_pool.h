// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pools/images/image_pool.h"

/// The `file-reflink` driver: volumes are image files, and each session and each revision is a file of its
/// own that shares extents with them (docs/reflink.md). The layout is that of Qubes' `file-reflink` pools.
namespace cowshed::pools::reflink {

class ReflinkPool : public images::ImagePool {
 public:
  ReflinkPool(PoolSpec spec, DriverContext& context);

  /// Throws not_supported where the file system cannot share extents, unless the parameter setup_check is
  /// false.
  Operation<void> setup() override;
  void check(const VolumeProperties& properties) const override;
  [[nodiscard]] std::optional<Tree> tree() const override { return Tree{directory(), TreeKind::reflink}; }
  std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) override;

 private:
  void check_file_system() const;
};

Driver driver();

}  // namespace cowshed::pools::reflink
