// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pools/images/image_pool.h"

/// The `file` driver: volumes are sparse files in a directory tree, snapshots device-mapper layers over them.
/// The tree is that of Qubes' file pools:
///
///   DIR/vm-templates/NAME/root.img  root-cow.img  root-cow.img.old        of templates
///   DIR/appvms/NAME/private.img ...                                       of all others
namespace cowshed::pools::file {

class FilePool : public images::ImagePool {
 public:
  FilePool(PoolSpec spec, DriverContext& context);

  void check(const VolumeProperties& properties) const override;
  std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) override;
  [[nodiscard]] std::optional<Tree> tree() const override { return Tree{directory(), TreeKind::layers}; }

 protected:
  void check_revisions(int value) const override;
  [[nodiscard]] bool has_cows() const override { return true; }
};

Driver driver();

}  // namespace cowshed::pools::file
