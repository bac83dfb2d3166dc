// SPDX-License-Identifier: Apache-2.0
#include "pools/file/file_volume.h"

#include <fmt/core.h>

#include <array>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/changes.h"
#include "layers/image_file.h"
#include "layers/plain.h"
#include "layers/snapshot.h"
#include "pools/images/fill.h"

namespace cowshed::pools::file {

FileVolume::FileVolume(FilePool& pool, VolumeProperties properties, SourceResolver source)
    : ImageVolume(pool, std::move(properties), std::move(source)) {}

VolumePaths FileVolume::paths() {
  const auto own = files();
  // What an ephemeral volume writes has no name.
  if (is_ephemeral()) return {};
  if (kind() != VolumeKind::snapshot)
    return {.path = own.image(), .path_cow = own.cow(), .path_source = {}, .path_source_cow = {}};
  const auto of_source = file_source().files();
  return {.path = {},
          .path_cow = own.cow(),
          .path_source = of_source.image(),
          .path_source_cow = of_source.cow()};
}

void FileVolume::create_now(const CreateOptions& options, const Export* content) {
  images::create_image(files().image(), properties().size, options, content);
}

void FileVolume::check_remove() {
  ImageVolume::check_remove();
  if (kind() == VolumeKind::origin && host().has_device_mapper()) base().refuse_while_viewed();
}

std::span<const layers::Role> FileVolume::guest_roles() const {
  using layers::Role;
  static constexpr std::array of_volatile{Role::plain, Role::ephemeral};
  static constexpr std::array of_snapshot{Role::snapshot};
  static constexpr std::array of_origin{Role::origin, Role::overlay, Role::plain};
  if (kind() == VolumeKind::volatile_) return of_volatile;
  if (kind() == VolumeKind::snapshot) return of_snapshot;
  return of_origin;
}

bool FileVolume::leaves_files() const {
  // A snapshot that keeps nothing writes into a file without a name.
  return kind() == VolumeKind::snapshot ? properties().keep_changes : ImageVolume::leaves_files();
}

// --- start and stop

namespace {

layers::SessionKind session_kind(WritePolicy policy) {
  return policy == WritePolicy::overlay ? layers::SessionKind::overlay : layers::SessionKind::in_place;
}

}  // namespace

layers::Running FileVolume::start_now() {
  const bool rw = properties().rw;
  switch (kind()) {
    case VolumeKind::volatile_:
      return start_volatile(files().image());
    case VolumeKind::snapshot: {
      layers::Base base = file_source().base();
      if (!properties().keep_changes)
        return layers::start_snapshot(host(), key(), base, directory(), rw,
                                      file_source().properties().warm > 0);
      make_directories(kept_store().parent_path());
      return layers::start_keeping(host(), key(), base, kept_store(), rw);
    }
    default:
      if (snapshots_off()) return base().start_direct(rw);
      return base().start_session(session_kind(properties().used_write_policy()), rw,
                                  revisions_to_keep() > 0);
  }
}

void FileVolume::check_start() {
  refuse_second_start();
  if (kind() == VolumeKind::snapshot) return file_source().base().check_view();
  if (kind() == VolumeKind::volatile_) return;
  if (snapshots_off()) return base().check_direct();
  base().check_session(session_kind(properties().used_write_policy()));
}

void FileVolume::stop_now(const std::optional<layers::OurDevice>& device, const StopOptions& options) {
  if (kind() == VolumeKind::origin) return stop_origin(options);
  if (kind() == VolumeKind::volatile_) return stop_volatile(device, files().image());
  if (!device) return;
  stop_snapshot(*device, options);
}

void FileVolume::stop_snapshot(const layers::OurDevice& device, const StopOptions& options) {
  layers::Base base = file_source().base();
  if (properties().keep_changes && !options.discard)
    return layers::stop_keeping(host(), device, std::move(base), kept_store());
  layers::stop_snapshot(host(), device, std::move(base));
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
  if (!host().has_device_mapper()) return;
  if (options.discard) return base().discard_session();
  // What runs decides, not the property: it may have been changed meanwhile.
  base().commit_direct();
  base().commit_session(commit_options(options.progress));
}

void FileVolume::check_stop(const StopOptions& options) {
  refuse_open();
  if (options.discard && kind() == VolumeKind::origin) base().check_discard();
}

layers::Watched FileVolume::watched() const {
  layers::Watched watched = ImageVolume::watched();
  if (kind() == VolumeKind::snapshot || is_ephemeral()) return watched;
  watched.image = files().image();
  watched.cow = files().cow();
  return watched;
}

bool FileVolume::secure_session(const layers::OurDevice& device) {
  if (device.role == layers::Role::origin && !base().secure_session()) return false;
  return ImageVolume::secure_session(device);
}

void FileVolume::abandon_now() {
  if (kind() != VolumeKind::origin) return stop_now(running(), {});
  base().abandon_direct();
  base().abandon_session();
}

}  // namespace cowshed::pools::file
