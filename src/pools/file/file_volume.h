// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "layers/base.h"
#include "pools/file/file_pool.h"
#include "pools/volume.h"

namespace cowshed::pools::file {

/// A volume of the `file` driver. What it does follows from its kind alone:
///
///   volatile   a new sparse file at each start, handed out as it is, unlinked at stop; an ephemeral one
///              encrypted, with zeros under it (layers/ephemeral.h)
///   origin     a session over the image (layers::Base); with snapshots off the image itself
///   snapshot   a layer over the source's frozen view (layers/snapshot.h, layers/changes.h)
///
/// What has something to sync runs in the host's threads.
class FileVolume : public Volume {
 public:
  FileVolume(FilePool& pool, VolumeProperties properties, SourceResolver source);

  layers::VolumeKey key() { return file_pool_.key_of(properties().vid); }

  Operation<void> create(CreateOptions options) override;
  Operation<void> remove() override;
  Operation<std::optional<BlockDevice>> start() override;
  Operation<void> stop(StopOptions options) override;
  Operation<void> abandon() override;
  void check_remove() override;
  void check_stop(const StopOptions& options) override;

  bool is_running() override;
  std::optional<BlockDevice> block_device() override;
  void verify() override;
  bool is_dirty() override;
  bool is_outdated() override;
  Bytes size() override;
  Bytes usage() override;
  std::vector<Revision> revisions() override;
  std::vector<Layer> layers() override;
  VolumePaths paths() override;

  Operation<void> import_file(const Path& file, ProgressWatch progress) override;
  Operation<void> import_volume(Volume& from, ProgressWatch progress) override;
  Operation<std::unique_ptr<Export>> begin_export() override;
  Operation<void> resize(Bytes size, bool shrink, ProgressWatch progress) override;
  Operation<void> revert(std::optional<std::string> revision, ProgressWatch progress) override;
  Operation<void> promote(ProgressWatch progress) override;

  /// After the pool's devices were swept: views nobody stands on, and files a session that is over left
  /// behind.
  void recover(RecoveryReport& report, bool dry_run);

 private:
  [[nodiscard]] layers::BaseFiles files() const;
  layers::Base base() { return {file_pool_.host(), key(), files()}; }
  FileVolume& file_source();
  /// A snapshot volume's store when `keep_changes` is set.
  [[nodiscard]] Path kept_store() const { return files().cow; }
  /// start() and stop() of it wait for the disk.
  [[nodiscard]] bool waits_for_disk() const {
    return kind() == VolumeKind::origin || properties().keep_changes;
  }
  [[nodiscard]] bool snapshots_off() const { return revisions_to_keep() == -1; }
  std::optional<layers::OurDevice> running();
  BlockDevice to_block_device(dm::DeviceNumber device, bool rw) const;

  /// not_supported for what is no origin volume.
  void require_origin(std::string_view operation) const;
  /// In the host's threads, with the volume locked.
  template <typename Body>
  auto in_thread(Body body) -> Operation<decltype(body())> {
    return Operation<decltype(body())>::pending(
        file_pool_.host().workers().submit([this, body = std::move(body)]() mutable {
          const std::lock_guard guard(mutex_);
          return body();
        }));
  }
  void resize_now(Bytes size, bool shrink, const ProgressWatch& progress);
  void resize_volatile(Bytes size, bool shrink);
  void create_now(const CreateOptions& options, const Export* content);
  void remove_now();
  void recover_origin(RecoveryReport& report, bool dry_run);
  void recover_kept(RecoveryReport& report, bool dry_run);
  layers::Running start_now();
  layers::Running start_volatile();
  void stop_now(const StopOptions& options);
  void stop_origin(const StopOptions& options);
  void stop_snapshot(const layers::OurDevice& device, const StopOptions& options);
  void promote_into(FileVolume& source, const ProgressWatch& progress);
  [[nodiscard]] layers::CommitOptions commit_options(const ProgressWatch& progress) const;
  void stop_volatile(const layers::OurDevice& device);
  /// What an earlier stop that failed half-way may have left.
  void discard_rest();
  void abandon_now();

  FilePool& file_pool_;
  /// One operation on a volume at a time.
  std::mutex mutex_;
};

}  // namespace cowshed::pools::file
