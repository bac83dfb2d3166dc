// SPDX-License-Identifier: Apache-2.0
#include "pools/images/image_volume.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/ephemeral.h"
#include "layers/lifted.h"
#include "layers/plain.h"
#include "layers/teardown.h"
#include "pools/images/fill.h"

namespace cowshed::pools::images {

ImageVolume::ImageVolume(ImagePool& pool, VolumeProperties properties, SourceResolver source)
    : Volume(pool, std::move(properties), std::move(source)), image_pool_(pool) {}

Error ImageVolume::foreign_source() const {
  return {ErrorKind::invalid_argument, fmt::format("its source lies in pool '{}', not in '{}'",
                                                   source().pool().name().str(), pool().name().str())};
}

void ImageVolume::require_origin(std::string_view operation) const {
  if (kind() != VolumeKind::origin)
    not_supported(operation,
                  fmt::format("it is a {} volume, which holds no state of its own", to_string(kind())));
}

// --- The guest's device

std::optional<layers::OurDevice> ImageVolume::running() {
  return layers::find_guest_device(host(), key(), guest_roles());
}

bool ImageVolume::is_running() { return running().has_value(); }

void ImageVolume::refuse_running() {
  if (const auto device = running())
    throw Error(ErrorKind::running,
                fmt::format("is running as {}; stop it first", dm::node_of(device->device)));
}

void ImageVolume::refuse_second_start() {
  if (const auto device = running())
    throw Error(ErrorKind::running, fmt::format("is running already, as {}", dm::node_of(device->device)));
}

BlockDevice ImageVolume::to_block_device(dm::DeviceNumber device, bool rw) const {
  return {.name = properties().name.str(),
          .path = {},
          .node = dm::node_of(device),
          .major = device.major,
          .minor = device.minor,
          .rw = rw};
}

std::optional<BlockDevice> ImageVolume::block_device() {
  const auto device = running();
  if (!device)
    return BlockDevice{.name = properties().name.str(), .path = {}, .node = {}, .rw = properties().rw};
  const auto info = host().control().info(device->uuid);
  return to_block_device(device->device, !(info && info->read_only));
}

// --- Create and remove

Operation<void> ImageVolume::create(CreateOptions options) {
  // Begun here: a thread that waits for another of the same host's could wait for ever.
  auto content = options.from ? hold_export(*options.from) : nullptr;
  return in_thread([this, options = std::move(options), content = std::move(content)]() mutable {
    // Released before this is answered.
    const auto held = std::move(content);
    if (kind() == VolumeKind::origin) create_in_directory(options, held.get());
  });
}

void ImageVolume::create_in_directory(const CreateOptions& options, const Export* content) {
  const Path directory = stem().parent_path();
  const SharedDirectories::Use use(image_pool_.vm_directories(), directory);
  make_directories(directory);
  create_now(options, content);
}

Operation<void> ImageVolume::remove() {
  return in_thread([this] { remove_now(); });
}

void ImageVolume::check_remove() {
  if (host().has_device_mapper()) refuse_running();
}

bool ImageVolume::leaves_files() const {
  return kind() != VolumeKind::volatile_ || !(properties().throwaway || is_ephemeral());
}

void ImageVolume::remove_now() {
  check_remove();
  const Path directory = stem().parent_path();
  const SharedDirectories::Use use(image_pool_.vm_directories(), directory);
  for (const Path& file : all_files()) unlink_if_exists(file);
  after_remove();
  if (const auto fd = open_if_exists(directory, O_RDONLY | O_DIRECTORY)) sync_file(*fd, directory);
}

// --- Start and stop

Operation<std::optional<BlockDevice>> ImageVolume::start() {
  const auto body = [this]() -> std::optional<BlockDevice> {
    const auto guard = lock();
    refuse_unwatched();
    const layers::Running running = start_now();
    watch();
    return to_block_device(running.device, running.rw);
  };
  // What waits for nothing, no disk and no grace period, is done at once: a thread would only add its
  // wake-up.
  if (!waits_for_disk()) return Operation<std::optional<BlockDevice>>::run_now(body);
  return Operation<std::optional<BlockDevice>>::pending(host().workers().submit(body));
}

Operation<void> ImageVolume::stop(StopOptions options) {
  const auto body = [this, options] {
    const auto guard = lock();
    const layers::Lifted lifted(host(), key(), guest_roles());
    stop_now(lifted.device(), options);
  };
  if (layers::StopsTogether::is_here())
    return Operation<void>::pending(host().workers().submit([body] {
      const layers::StopsTogether with_the_others;
      body();
    }));
  // What has nothing to save is let go at once; a thread would only add its wake-up.
  if (!waits_for_disk()) return Operation<void>::run_now(body);
  return Operation<void>::pending(host().workers().submit(body));
}

Operation<void> ImageVolume::abandon() {
  return in_thread([this] {
    const layers::Lifted lifted(host(), key(), guest_roles());
    abandon_now();
  });
}

layers::Running ImageVolume::start_volatile(const Path& image) {
  refuse_second_start();
  unlink_if_exists(image);
  if (is_ephemeral()) return layers::start_ephemeral(host(), key(), directory(), properties().size);
  if (properties().throwaway)
    return layers::start_plain_unnamed(host(), key(), directory(), properties().size, properties().rw);
  make_directories(image.parent_path());
  create_sparse(image, properties().size);
  Undo undo([&] { unlink_if_exists(image); });
  const auto result = layers::start_plain(host(), key(), image, properties().rw);
  undo.release();
  return result;
}

void ImageVolume::stop_volatile(const std::optional<layers::OurDevice>& device, const Path& image) {
  // What runs decides, not the property: the pool's may have been changed meanwhile.
  if (device && device->role == layers::Role::ephemeral)
    return layers::stop_ephemeral(host(), key(), *device);
  if (device) layers::let_go(host(), *device, [] {});
  unlink_if_exists(image);
}

// --- Content and size

Operation<void> ImageVolume::import_file(const GivenImage& given, ProgressWatch progress) {
  require_origin("import into");
  return in_thread([this, given, progress] {
    import_now([&](const Path& image) { fill_from(given, image, progress); }, progress);
  });
}

Operation<void> ImageVolume::import_volume(Volume& from, ProgressWatch progress) {
  require_origin("import into");
  if (&from == this) throw Error(ErrorKind::invalid_argument, "a volume cannot be imported into itself");
  return in_thread([this, exported = hold_export(from), progress]() mutable {
    // Released before this is answered.
    const auto held = std::move(exported);
    import_now([&](const Path& image) { fill_from(*held, image, progress); }, progress);
  });
}

Operation<void> ImageVolume::resize(Bytes size, bool shrink, ProgressWatch progress) {
  if (properties().snap_on_start) not_supported("resize", "a snapshot volume has its source's size");
  if (!properties().rw) throw Error(ErrorKind::invalid_argument, "it is read-only");
  auto resized = properties();
  resized.size = size;
  pool().check(resized);
  return in_thread([this, size, shrink, progress] { resize_now(size, shrink, progress); });
}

void ImageVolume::resize_volatile(const Path& image, Bytes size, bool shrink) {
  const bool is_smaller = size < properties().size;
  if (is_smaller && !shrink)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{} bytes are less than it has ({}); with --shrink it is done all the same",
                            size.count, properties().size.count));
  if (is_smaller) refuse_running();
  const auto device = running();
  if (!device) return;
  if (device->role == layers::Role::ephemeral)
    not_supported("resize", "nobody has the key of an ephemeral volume that runs; stop it first");
  layers::grow_plain(host(), *device, image, size);
}

// --- Recovery

void ImageVolume::recover(RecoveryReport& report, bool dry_run) try {
  recover_now(report, dry_run);
} catch (const Error& error) {
  // One damaged volume does not keep the others from being put right.
  report.fail(fmt::format("volume '{}'", properties().vid.str()), error);
}

void sweep_file(const Path& file, std::string_view what, RecoveryReport& report, bool dry_run) {
  if (!path_exists(file)) return;
  report.add(fmt::format("remove {} '{}'", what, file.native()));
  if (!dry_run) unlink_if_exists(file);
}

}  // namespace cowshed::pools::images
