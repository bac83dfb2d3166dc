// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "layers/base.h"
#include "pools/images/image_pool.h"
#include "pools/volume.h"

namespace cowshed::pools::images {

/// What volumes share that are kept as image files: the guest's device and who works on the volume when. What
/// has something to sync runs in the host's threads.
class ImageVolume : public Volume {
 public:
  ImageVolume(ImagePool& pool, VolumeProperties properties, SourceResolver source);

  layers::VolumeKey key() { return image_pool_.key_of(properties().vid); }

  Operation<void> create(CreateOptions options) final;
  Operation<void> remove() final;
  Operation<std::optional<BlockDevice>> start() final;
  Operation<void> stop(StopOptions options) final;
  Operation<void> abandon() final;
  void check_remove() override;
  [[nodiscard]] bool leaves_files() const override;

  bool is_running() final;
  bool is_held() final;
  void set_properties(VolumeProperties properties) override;
  std::optional<BlockDevice> block_device() final;

  Operation<void> import_file(const GivenImage& given, ProgressWatch progress) final;
  Operation<void> import_volume(Volume& from, ProgressWatch progress) final;
  Operation<void> resize(Bytes size, bool shrink, ProgressWatch progress) final;

  /// After the pool's devices were swept: puts right what a session or an operation that was cut off left of
  /// this volume. Does not throw what is wrong with the volume: that goes into the report.
  void recover(RecoveryReport& report, bool dry_run);
  /// Of one that runs: nobody looks after its space any more, or not yet (Pool::end_guard). It goes on where
  /// it was held and may, and is made safe for those who stand on it.
  void recover_session(RecoveryReport& report, bool dry_run);
  /// Tells the guard of it, where there is one.
  void watch();

 protected:
  layers::Host& host() { return image_pool_.host(); }
  [[nodiscard]] const Path& directory() const { return image_pool_.directory(); }
  /// The pool-relative name without an ending, as a path.
  [[nodiscard]] Path stem() const { return directory() / properties().vid.str(); }
  std::optional<layers::OurDevice> running();
  /// Throws running.
  void refuse_running();
  void refuse_second_start();
  [[nodiscard]] bool snapshots_off() const { return revisions_to_keep() == -1; }
  /// not_supported for what is no origin volume.
  void require_origin(std::string_view operation) const;
  /// The source, as the driver's own class. Throws invalid_argument where it lies in another pool.
  template <typename OwnVolume>
  OwnVolume& own_source() {
    auto* const found = dynamic_cast<OwnVolume*>(&source());
    if (!found || &found->pool() != &pool()) throw foreign_source();
    return *found;
  }

  /// In the host's threads, with the volume locked.
  template <typename Body>
  auto in_thread(Body body) -> Operation<decltype(body())> {
    return Operation<decltype(body())>::pending(
        host().workers().submit([this, body = std::move(body)]() mutable {
          const std::lock_guard guard(mutex_);
          return body();
        }));
  }
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// Throws in_use. One that was held goes on and is given time to be closed: whoever had it open may have
  /// been killed, but not gone before its last I/O was.
  void refuse_open();
  /// What the guard should know of it.
  [[nodiscard]] virtual layers::Watched watched() const {
    return {properties().vid.str(), properties().cow_limit};
  }
  /// Of a running session that is to go on while nobody watches it: false where it cannot, and is held.
  virtual bool secure_session(const layers::OurDevice& device);

  // A volatile volume, in the file `image`; an ephemeral one, or one of a throw-away VM, in a file without a
  // name.
  layers::Running start_volatile(const Path& image);
  /// Not running: takes away what an earlier stop that failed half-way may have left.
  void stop_volatile(const std::optional<layers::OurDevice>& device, const Path& image);
  /// While it is stopped it is no more than a size.
  void resize_volatile(const Path& image, Bytes size, bool shrink);

  // --- For a driver to do, with the volume locked

  /// What its guest's device may be.
  [[nodiscard]] virtual std::span<const layers::Role> guest_roles() const = 0;
  /// start() and stop() of it wait for the disk.
  [[nodiscard]] virtual bool waits_for_disk() const = 0;
  virtual layers::Running start_now() = 0;
  /// `device`: what running() says.
  virtual void stop_now(const std::optional<layers::OurDevice>& device, const StopOptions& options) = 0;
  virtual void abandon_now() = 0;
  /// In an existing directory. `content`: what CreateOptions::from exports.
  virtual void create_now(const CreateOptions& options, const Export* content) = 0;
  /// Whatever may be there of it, in the order in which it is to be removed.
  virtual std::vector<Path> all_files() = 0;
  /// Its files are gone.
  virtual void after_remove() {}
  /// `fill` makes a new image under the name it is given; it becomes the content of this origin volume.
  virtual void import_now(const std::function<void(const Path& image)>& fill,
                          const ProgressWatch& progress) = 0;
  virtual void resize_now(Bytes size, bool shrink, const ProgressWatch& progress) = 0;
  virtual void recover_now(RecoveryReport& report, bool dry_run) = 0;

 private:
  [[nodiscard]] Error foreign_source() const;
  /// Throws not_supported: what it may write is limited, and nobody would see to that.
  void refuse_unwatched();
  BlockDevice to_block_device(dm::DeviceNumber device, bool rw) const;
  void remove_now();
  /// In the VM's directory, made where it is missing.
  void create_in_directory(const CreateOptions& options, const Export* content);

  ImagePool& image_pool_;
  /// One operation on a volume at a time.
  std::mutex mutex_;
};

/// Removes a file that nobody needs any more, if it is there, and says so.
void sweep_file(const Path& file, std::string_view what, RecoveryReport& report, bool dry_run);

}  // namespace cowshed::pools::images
