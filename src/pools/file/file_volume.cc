// SPDX-License-Identifier: Apache-2.0
#include "pools/file/file_volume.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/changes.h"
#include "layers/ephemeral.h"
#include "layers/image_file.h"
#include "layers/plain.h"
#include "layers/snapshot.h"
#include "layers/teardown.h"
#include "pools/file/fill.h"

namespace cowshed::pools::file {

FileVolume::FileVolume(FilePool& pool, VolumeProperties properties, SourceResolver source)
    : Volume(pool, std::move(properties), std::move(source)), file_pool_(pool) {}

layers::BaseFiles FileVolume::files() const {
  return layers::BaseFiles(file_pool_.directory() / properties().vid.str());
}

FileVolume& FileVolume::file_source() {
  auto* const found = dynamic_cast<FileVolume*>(&source());
  if (!found || &found->file_pool_ != &file_pool_)
    throw Error(ErrorKind::invalid_argument, fmt::format("its source lies in pool '{}', not in '{}'",
                                                         source().pool().name().str(), pool().name().str()));
  return *found;
}

VolumePaths FileVolume::paths() {
  const auto own = files();
  // What an ephemeral volume writes has no name.
  if (is_ephemeral()) return {};
  if (kind() != VolumeKind::snapshot)
    return {.path = own.image, .path_cow = own.cow, .path_source = {}, .path_source_cow = {}};
  const auto of_source = file_source().files();
  return {.path = {}, .path_cow = own.cow, .path_source = of_source.image, .path_source_cow = of_source.cow};
}

std::optional<layers::OurDevice> FileVolume::running() {
  return layers::find_guest_device(file_pool_.host(), key());
}

BlockDevice FileVolume::to_block_device(dm::DeviceNumber device, bool rw) const {
  return {.name = properties().name.str(),
          .path = {},
          .node = dm::node_of(device),
          .major = device.major,
          .minor = device.minor,
          .rw = rw};
}

// --- create and remove

Operation<void> FileVolume::create(CreateOptions options) {
  // Begun here: a thread that waits for another of the same host's could wait for ever.
  auto content = options.from ? hold_export(*options.from) : nullptr;
  return in_thread([this, options = std::move(options), content = std::move(content)]() mutable {
    // Released before this is answered.
    const auto held = std::move(content);
    create_now(options, held.get());
  });
}

void FileVolume::create_now(const CreateOptions& options, const Export* content) {
  if (kind() != VolumeKind::origin) return;
  const auto file = files();
  const Path directory = file.image.parent_path();
  const SharedDirectories::Use use(file_pool_.vm_directories(), directory);
  make_directories(directory);
  if (content)
    return layers::create_image_by(file.image,
                                   [&](const Path& image) { fill_from(*content, image, options.progress); });
  layers::create_image(file.image, properties().size, options.image, [&](Bytes done) {
    if (options.progress) options.progress({done, properties().size});
  });
}

Operation<void> FileVolume::remove() {
  return in_thread([this] { remove_now(); });
}

void FileVolume::check_remove() {
  if (!file_pool_.host().has_device_mapper()) return;
  if (const auto device = running())
    throw Error(ErrorKind::running,
                fmt::format("is running as {}; stop it first", dm::node_of(device->device)));
  if (kind() == VolumeKind::origin) base().refuse_while_viewed();
}

void FileVolume::remove_now() {
  check_remove();
  const auto file = files();
  const Path directory = file.image.parent_path();
  const SharedDirectories::Use use(file_pool_.vm_directories(), directory);
  for (const Path& path : file.all()) unlink_if_exists(path);
  if (const auto fd = open_if_exists(directory, O_RDONLY | O_DIRECTORY)) sync_file(*fd, directory);
}

// --- start and stop

Operation<std::optional<BlockDevice>> FileVolume::start() {
  const auto body = [this]() -> std::optional<BlockDevice> {
    const std::lock_guard guard(mutex_);
    const layers::Running running = start_now();
    return to_block_device(running.device, running.rw);
  };
  // What waits for nothing, no disk and no grace period, is done at once: a thread would only add its
  // wake-up.
  if (!waits_for_disk()) return Operation<std::optional<BlockDevice>>::run_now(body);
  return Operation<std::optional<BlockDevice>>::pending(file_pool_.host().workers().submit(body));
}

namespace {

layers::SessionKind session_kind(WritePolicy policy) {
  return policy == WritePolicy::overlay ? layers::SessionKind::overlay : layers::SessionKind::in_place;
}

}  // namespace

layers::Running FileVolume::start_now() {
  const bool rw = properties().rw;
  switch (kind()) {
    case VolumeKind::volatile_:
      return start_volatile();
    case VolumeKind::snapshot: {
      layers::Base base = file_source().base();
      if (!properties().keep_changes)
        return layers::start_snapshot(file_pool_.host(), key(), base, file_pool_.directory(), rw);
      make_directories(kept_store().parent_path());
      return layers::start_keeping(file_pool_.host(), key(), base, kept_store(), rw);
    }
    default:
      if (snapshots_off()) return base().start_direct(rw);
      return base().start_session(session_kind(properties().used_write_policy()), rw,
                                  revisions_to_keep() > 0);
  }
}

layers::Running FileVolume::start_volatile() {
  if (const auto device = running())
    throw Error(ErrorKind::running, fmt::format("is running already, as {}", dm::node_of(device->device)));
  const Path image = files().image;
  unlink_if_exists(image);
  if (is_ephemeral())
    return layers::start_ephemeral(file_pool_.host(), key(), file_pool_.directory(), properties().size);
  make_directories(image.parent_path());
  create_sparse(image, properties().size);
  Undo undo([&] { unlink_if_exists(image); });
  const auto result = layers::start_plain(file_pool_.host(), key(), image, properties().rw);
  undo.release();
  return result;
}

Operation<void> FileVolume::stop(StopOptions options) {
  const auto body = [this, options] {
    const std::lock_guard guard(mutex_);
    stop_now(options);
  };
  // What has nothing to save is let go at once; a thread would only add its wake-up.
  if (!waits_for_disk()) return Operation<void>::run_now(body);
  return Operation<void>::pending(file_pool_.host().workers().submit(body));
}

void FileVolume::stop_now(const StopOptions& options) {
  if (kind() == VolumeKind::origin) return stop_origin(options);
  const auto device = running();
  if (!device) return discard_rest();
  if (kind() == VolumeKind::volatile_) return stop_volatile(*device);
  stop_snapshot(*device, options);
}

void FileVolume::stop_snapshot(const layers::OurDevice& device, const StopOptions& options) {
  layers::Base base = file_source().base();
  if (properties().keep_changes && !options.discard)
    return layers::stop_keeping(file_pool_.host(), device, std::move(base), kept_store());
  layers::stop_snapshot(file_pool_.host(), device, std::move(base));
  if (properties().keep_changes) unlink_durably(kept_store());
}

layers::CommitOptions FileVolume::commit_options(const ProgressWatch& progress) const {
  layers::CommitOptions options{.keep_revision = revisions_to_keep() > 0};
  if (progress)
    options.watch = [progress](const layers::WorkDone& work) {
      progress({work.done, work.total, work.can_stop});
    };
  return options;
}

void FileVolume::stop_origin(const StopOptions& options) {
  if (!file_pool_.host().has_device_mapper()) return;
  if (options.discard) return base().discard_session();
  // What runs decides, not the property: it may have been changed meanwhile.
  base().commit_direct();
  base().commit_session(commit_options(options.progress));
}

void FileVolume::stop_volatile(const layers::OurDevice& device) {
  // What runs decides, not the property: the pool's may have been changed meanwhile.
  if (device.role == layers::Role::ephemeral) return layers::stop_ephemeral(file_pool_.host(), key(), device);
  layers::let_go(file_pool_.host(), device, [] {});
  discard_rest();
}

void FileVolume::discard_rest() {
  if (kind() == VolumeKind::volatile_) unlink_if_exists(files().image);
}

void FileVolume::check_stop(const StopOptions& options) {
  if (const auto device = running()) layers::refuse_while_open(file_pool_.host().control(), *device);
  if (options.discard && kind() == VolumeKind::origin) base().check_discard();
}

Operation<void> FileVolume::abandon() {
  return in_thread([this] { abandon_now(); });
}

void FileVolume::abandon_now() {
  if (kind() != VolumeKind::origin) return stop_now({});
  base().abandon_direct();
  base().abandon_session();
}

}  // namespace cowshed::pools::file
