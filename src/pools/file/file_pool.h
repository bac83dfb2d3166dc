// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>

#include "layers/host.h"
#include "layers/names.h"
#include "pools/driver_context.h"
#include "pools/file/shared_directories.h"
#include "pools/pool.h"

/// The `file` driver: volumes are sparse files in a directory tree, snapshots device-mapper layers over them.
/// The tree is that of Qubes' file pools:
///
///   DIR/vm-templates/NAME/root.img  root-cow.img  root-cow.img.old        of templates
///   DIR/appvms/NAME/private.img ...                                       of all others
namespace cowshed::pools::file {

class FilePool : public Pool {
 public:
  FilePool(PoolSpec spec, DriverContext& context);

  [[nodiscard]] const Path& directory() const { return directory_; }
  layers::Host& host() { return host_; }
  SharedDirectories& vm_directories() { return vm_directories_; }
  layers::VolumeKey key_of(const Vid& vid) { return {directory_id(), name(), vid}; }

  void set_revisions_to_keep(int value) override;
  Operation<void> setup() override;
  Operation<void> destroy() override;
  [[nodiscard]] Vid make_vid(const VolumeOwner& owner, const VolumeName& volume) const override;
  void check(const VolumeProperties& properties) const override;
  std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) override;
  void finish() override { host_.finish_teardowns(); }
  [[nodiscard]] std::optional<Bytes> size() const override;
  [[nodiscard]] std::optional<Bytes> usage() const override;
  RecoveryReport recover(std::span<Volume* const> volumes, bool dry_run) override;

 private:
  /// Asked of the file system once; throws not_found when the directory is missing.
  FileId directory_id();

  layers::Host& host_;
  Path directory_;
  SharedDirectories vm_directories_{directory_};
  std::mutex mutex_;
  std::optional<FileId> directory_id_;
};

Driver driver();

}  // namespace cowshed::pools::file
