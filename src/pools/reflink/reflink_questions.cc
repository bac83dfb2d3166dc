// SPDX-License-Identifier: Apache-2.0
// ReflinkVolume: questions, answered from directory and kernel, and recovery.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "io/occupied.h"
#include "layers/image_file.h"
#include "layers/inventory.h"
#include "pools/images/layer_survey.h"
#include "pools/reflink/reflink_volume.h"

namespace cowshed::pools::reflink {

void ReflinkVolume::verify() {
  if (kind() == VolumeKind::volatile_) return;
  const auto file = files();
  if (path_exists(file.dirty)) static_cast<void>(layers::image_size(file.dirty));
  if (properties().snap_on_start)
    reflink_source().verify();
  else if (!is_direct())
    static_cast<void>(layers::image_size(file.clean));
}

bool ReflinkVolume::is_dirty() { return holds_changes(); }

bool ReflinkVolume::is_outdated() {
  if (!properties().snap_on_start || !is_running()) return false;
  return !is_made_of(files().dirty, reflink_source().files().clean);
}

Bytes ReflinkVolume::size() {
  if (kind() == VolumeKind::volatile_) return properties().size;
  const auto file = files();
  const auto dirty = stat_if_exists(file.dirty);
  if (properties().snap_on_start)
    return dirty && (holds_changes() || is_running()) ? dirty->size : reflink_source().size();
  const auto clean = stat_if_exists(file.clean);
  // They differ only where a grow was cut off.
  if (dirty && clean) return std::max(dirty->size, clean->size);
  return dirty ? dirty->size : clean ? clean->size : properties().size;
}

Bytes ReflinkVolume::usage() {
  const auto device = running();
  if (device && device->role == layers::Role::ephemeral)
    return to_bytes(dm::SnapshotStatus::parse(host().control().status(device->uuid).at(0).params).allocated);
  std::vector<Path> own = files().all();
  if (!properties().snap_on_start) return io::occupied(own);
  // What it shares with its source is the source's.
  const std::array shared{reflink_source().files().clean};
  own.push_back(shared[0]);
  return io::occupied(own) - io::occupied(shared);
}

UsageDetails ReflinkVolume::usage_details() {
  if (!saves()) return Volume::usage_details();
  // What several share counts where it was first.
  std::vector<Path> files{this->files().clean};
  UsageDetails details;
  details.images = io::occupied(files);
  for (const RevisionFile& revision : committed_revisions(this->files())) files.push_back(revision.file);
  details.revisions = io::occupied(files) - details.images;
  const Bytes known = details.images + details.revisions, all = usage();
  if (all > known) details.cows = all - known;
  return details;
}

std::vector<Revision> ReflinkVolume::revisions() {
  std::vector<Revision> result;
  if (!saves()) return result;
  for (const RevisionFile& revision : committed_revisions(files()))
    result.push_back({revision.id.str(), revision.id.written});
  return result;
}

std::vector<Layer> ReflinkVolume::layers() {
  if (!host().has_device_mapper()) return {};
  dm::Control& control = host().control();
  return images::survey_layers(control, {files().dirty},
                               images::top_first(layers::list_devices(control, key())), {});
}

VolumePaths ReflinkVolume::paths() {
  // What an ephemeral volume writes has no name.
  if (is_ephemeral()) return {};
  const auto own = files();
  VolumePaths paths{.path = {}, .path_cow = own.dirty, .path_source = {}, .path_source_cow = {}};
  if (saves()) paths.path = own.clean;
  if (!properties().snap_on_start) return paths;
  const auto of_source = reflink_source().files();
  paths.path_source = of_source.clean;
  paths.path_source_cow = of_source.dirty;
  return paths;
}

// --- Recovery

void ReflinkVolume::recover_saved(RecoveryReport& report, bool dry_run) {
  const auto file = files();
  for (const Path& half : {half_made(file.clean), half_made(file.dirty), file.import})
    images::sweep_file(half, "half-made", report, dry_run);
  if (const auto begun = begun_revision(file))
    images::sweep_file(begun->file, "half-made revision", report, dry_run);
  // Of a commit that was cut off. But the last may be what a revert has replaced, which keeps it in any case.
  for (const RevisionFile& revision : surplus_revisions(file, std::max(revisions_to_keep(), 1)))
    images::sweep_file(revision.file, "surplus revision", report, dry_run);
  if (!holds_changes() && !is_running()) images::sweep_file(file.dirty, "unwritten", report, dry_run);
  if (!is_half_grown()) return;
  report.add(fmt::format("finish growing volume '{}'", properties().vid.str()));
  if (!dry_run) grow(size());
}

void ReflinkVolume::recover_now(RecoveryReport& report, bool dry_run) {
  const auto file = files();
  if (saves()) return recover_saved(report, dry_run);
  if (is_running()) return;
  images::sweep_file(half_made(file.dirty), "half-made", report, dry_run);
  const bool is_kept = kind() == VolumeKind::snapshot && properties().keep_changes;
  if (!is_kept) images::sweep_file(file.dirty, "a past session's", report, dry_run);
}

}  // namespace cowshed::pools::reflink
