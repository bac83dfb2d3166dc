// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "layers/host.h"
#include "layers/names.h"
#include "layers/space_guard.h"
#include "pools/driver_context.h"
#include "pools/images/shared_directories.h"
#include "pools/pool.h"

/// What drivers share that keep volumes as image files in Qubes' directory tree:
///
///   DIR/vm-templates/NAME/VOLUME.img ...      of templates
///   DIR/appvms/NAME/VOLUME.img ...            of all others
namespace cowshed::pools::images {

/// The parameter that every such driver has.
Parameter directory_parameter();

class ImagePool : public Pool {
 public:
  ImagePool(PoolSpec spec, std::string driver, DriverContext& context);

  [[nodiscard]] const Path& directory() const { return directory_; }
  layers::Host& host() { return host_; }
  SharedDirectories& vm_directories() { return vm_directories_; }
  layers::VolumeKey key_of(const Vid& vid) { return {directory_id(), name(), vid}; }

  void set_revisions_to_keep(int value) override;
  Operation<void> setup() override;
  Operation<void> destroy() override;
  [[nodiscard]] Vid make_vid(const VolumeOwner& owner, const VolumeName& volume) const override;
  void check(const VolumeProperties& properties) const override;
  void finish() override { host_.finish_teardowns(); }
  RecoveryReport recover(std::span<Volume* const> volumes, bool dry_run) override;
  void begin_guard(std::span<Volume* const> volumes) override;
  GuardReport guard() override;
  bool end_guard(std::span<Volume* const> volumes) override;
  /// So little is left that what sessions write may fail.
  bool is_full();
  /// Of the guard's; nothing while there is none.
  layers::WatchList* watch_list();

 protected:
  /// Throws for a number that the driver cannot keep, of a volume or as the pool's default.
  virtual void check_revisions(int value) const;
  /// Whether sessions write cows that can be limited.
  [[nodiscard]] virtual bool has_cows() const { return false; }
  [[noreturn]] void refuse(ErrorKind kind, const VolumeProperties& properties, std::string_view why) const;

 private:
  void check_size(const VolumeProperties& properties) const;
  void check_cow_limit(const VolumeProperties& properties) const;
  /// Asked of the file system once; throws not_found when the directory is missing.
  FileId directory_id();
  layers::SpaceGuard& space_guard();

  layers::Host& host_;
  Path directory_;
  SharedDirectories vm_directories_{directory_};
  std::mutex mutex_;
  std::optional<FileId> directory_id_;
  std::unique_ptr<layers::SpaceGuard> space_guard_;
};

}  // namespace cowshed::pools::images
