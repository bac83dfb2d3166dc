// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/undo.h"
#include "pools/images/image_volume.h"
#include "pools/reflink/committed.h"
#include "pools/reflink/reflink_files.h"
#include "pools/reflink/reflink_pool.h"
#include "pools/reflink/session_image.h"

namespace cowshed::pools::reflink {

/// A volume of the `file-reflink` driver. The guest always gets the dirty image; the kinds differ in what
/// that is made of at start and becomes at stop:
///
///   volatile          made empty; removed
///   origin            made of the clean image, which it replaces; with snapshots off it is that image itself
///   snapshot          made of the source's clean image; removed, or kept to be promoted
///   origin-snapshot   made of the source's clean image; replaces the volume's own
///
/// A volume that saves goes on with a dirty image that a session which was cut off has written to.
class ReflinkVolume : public images::ImageVolume {
 public:
  ReflinkVolume(ReflinkPool& pool, VolumeProperties properties, SourceResolver source);

  void check_start() override;
  void check_stop(const StopOptions& options) override;

  void verify() override;
  bool is_dirty() override;
  bool is_outdated() override;
  Bytes size() override;
  Bytes usage() override;
  UsageDetails usage_details() override;
  std::vector<Revision> revisions() override;
  std::vector<Layer> layers() override;
  VolumePaths paths() override;

  Operation<std::unique_ptr<Export>> begin_export() override;
  Operation<void> revert(std::optional<std::string> revision, ProgressWatch progress) override;
  Operation<void> promote(ProgressWatch progress) override;

 protected:
  [[nodiscard]] std::span<const layers::Role> guest_roles() const override;
  /// To share the extents of a large image takes a while, and so does to let go of them; to copy it, where
  /// they cannot be shared, takes long.
  [[nodiscard]] bool waits_for_disk() const override { return kind() != VolumeKind::volatile_; }
  layers::Running start_now() override;
  void stop_now(const std::optional<layers::OurDevice>& device, const StopOptions& options) override;
  void abandon_now() override;
  void create_now(const CreateOptions& options, const Export* content) override;
  std::vector<Path> all_files() override { return files().all(); }
  void import_now(const std::function<void(const Path& image)>& fill, const ProgressWatch& progress) override;
  void resize_now(Bytes size, bool shrink, const ProgressWatch& progress) override;
  void recover_now(RecoveryReport& report, bool dry_run) override;

 private:
  [[nodiscard]] ReflinkFiles files() const { return ReflinkFiles(stem()); }
  ReflinkVolume& reflink_source() { return own_source<ReflinkVolume>(); }
  [[nodiscard]] bool saves() const { return properties().save_on_stop; }
  /// The clean image. Throws in_use or dirty where the dirty one has taken its place (snapshots off),
  /// not_found, corrupt_image.
  Path committed_image();
  /// The dirty image is not the clean one's to the letter: it is to be committed.
  [[nodiscard]] bool holds_changes() const;
  /// The guest writes what was the clean image: there is no other.
  [[nodiscard]] bool is_direct() const;

  /// The clean image of which the dirty one is to be made. Throws what keeps it from being that.
  Path image_to_begin_with();
  /// Makes the dirty image. Returns how to take that back.
  [[nodiscard]] Undo begin_session();
  /// The clean image becomes the dirty one: snapshots off.
  [[nodiscard]] Undo begin_direct();
  void stop_throwaway(const layers::OurDevice& device);
  void stop_keeping(const layers::OurDevice& device);
  void stop_saving(const layers::OurDevice& device, const StopOptions& options);
  void refuse_discard();
  /// Of a session whose device is gone.
  /// Whether there is a new committed state.
  bool end_session(bool discard);
  void drop_unwritten();
  /// The older revisions, once a commit is done: a failure is left to recovery.
  void prune_or_leave();

  /// not_supported for what is never committed.
  void require_saved(std::string_view operation) const;
  /// Running, or dirty: nothing may be done to the volume as a whole.
  void refuse_unsettled();
  void revert_now(const std::optional<std::string>& revision);
  void grow(Bytes size);
  /// Which counts as no write.
  void grow_dirty(const std::optional<layers::OurDevice>& device, Bytes size);
  /// A grow that was cut off: the dirty image, or the device, is smaller than what was to grow with it.
  [[nodiscard]] bool is_half_grown();
  void promote_into(ReflinkVolume& source, const ProgressWatch& progress);
  void check_kept(ReflinkVolume& source);
  void recover_saved(RecoveryReport& report, bool dry_run);
};

}  // namespace cowshed::pools::reflink
