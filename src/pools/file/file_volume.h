// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/base.h"
#include "pools/file/file_pool.h"
#include "pools/images/image_volume.h"

namespace cowshed::pools::file {

/// A volume of the `file` driver. What it does follows from its kind alone:
///
///   volatile   a new sparse file at each start, handed out as it is, unlinked at stop, or without a name
///              from the first; an ephemeral one encrypted, with zeros under it (layers/ephemeral.h)
///   origin     a session over the image (layers::Base); with snapshots off the image itself
///   snapshot   a layer over the source's frozen view (layers/snapshot.h, layers/changes.h)
class FileVolume : public images::ImageVolume {
 public:
  FileVolume(FilePool& pool, VolumeProperties properties, SourceResolver source);

  void check_remove() override;
  [[nodiscard]] bool leaves_files() const override;
  void check_start() override;
  void check_stop(const StopOptions& options) override;

  void verify() override;
  bool is_dirty() override;
  bool is_outdated() override;
  bool is_commit_pending() override;
  bool is_invalid() override;
  Bytes size() override;
  Bytes usage() override;
  UsageDetails usage_details() override;
  std::vector<StoredFile> stored_files() override;
  std::vector<Revision> revisions() override;
  std::vector<Layer> layers() override;
  VolumePaths paths() override;
  std::unique_ptr<WarmLayers> warm_layers() override;

  Operation<std::unique_ptr<Export>> begin_export() override;
  Operation<void> revert(std::optional<std::string> revision, ProgressWatch progress) override;
  Operation<void> promote(ProgressWatch progress) override;

 protected:
  [[nodiscard]] std::span<const layers::Role> guest_roles() const override;
  [[nodiscard]] bool waits_for_disk() const override {
    return kind() == VolumeKind::origin || properties().keep_changes;
  }
  layers::Running start_now() override;
  void stop_now(const std::optional<layers::OurDevice>& device, const StopOptions& options) override;
  void abandon_now() override;
  void create_now(const CreateOptions& options, const Export* content) override;
  std::vector<Path> all_files() override { return files().all(); }
  void after_remove() override;
  void import_now(const std::function<void(const Path& image)>& fill, const ProgressWatch& progress) override;
  void resize_now(Bytes size, bool shrink, const ProgressWatch& progress) override;
  void recover_now(RecoveryReport& report, bool dry_run) override;
  [[nodiscard]] layers::Watched watched() const override;
  bool secure_session(const layers::OurDevice& device) override;

 private:
  [[nodiscard]] layers::BaseFiles files() const { return layers::BaseFiles(stem()); }
  layers::Base base() { return {host(), key(), files()}; }
  FileVolume& file_source() { return own_source<FileVolume>(); }
  /// A snapshot volume's store when `keep_changes` is set.
  [[nodiscard]] Path kept_store() const { return files().cow(); }

  void recover_origin(RecoveryReport& report, bool dry_run);
  void recover_kept(RecoveryReport& report, bool dry_run);
  void stop_origin(const StopOptions& options);
  void stop_snapshot(const layers::OurDevice& device, const StopOptions& options);
  void promote_into(FileVolume& source, const ProgressWatch& progress);
  [[nodiscard]] layers::CommitOptions commit_options(const ProgressWatch& progress) const;
  void mark_views(std::vector<Layer>& layers, const std::vector<layers::OurDevice>& devices);
};

}  // namespace cowshed::pools::file
