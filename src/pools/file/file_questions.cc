// SPDX-License-Identifier: Apache-2.0
// FileVolume: questions, answered from directory and kernel.
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "dm/device.h"
#include "layers/changes.h"
#include "layers/image_file.h"
#include "layers/snapshot.h"
#include "layers/store_file.h"
#include "loop/loop.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

void FileVolume::verify() {
  switch (kind()) {
    case VolumeKind::volatile_:
      return;
    case VolumeKind::snapshot:
      if (!is_running() && path_exists(kept_store())) layers::check_store_file(kept_store(), size());
      return file_source().verify();
    default:
      break;
  }
  base().verify_image();
  const auto file = files();
  for (const Path& store : {file.cow, file.revision, file.overlay})
    if (path_exists(store)) layers::check_store_file(store, size());
  if (base().is_broken())
    throw Error(ErrorKind::corrupt_image,
                fmt::format("the kernel has marked the view over '{}' invalid", file.cow.native()));
}

bool FileVolume::is_dirty() { return kind() == VolumeKind::origin && base().is_dirty(); }

bool FileVolume::is_outdated() {
  if (kind() != VolumeKind::snapshot) return false;
  const auto device = running();
  if (!device) return false;
  layers::Base base = file_source().base();
  return layers::is_outdated(host(), *device, base);
}

Bytes FileVolume::size() {
  if (kind() == VolumeKind::snapshot) {
    if (const auto device = running()) return to_bytes(host().control().table(device->uuid).at(0).length);
    return file_source().size();
  }
  const auto image = stat_if_exists(files().image);
  return image && kind() == VolumeKind::origin ? image->size : properties().size;
}

Bytes FileVolume::usage() {
  const auto device = kind() == VolumeKind::origin ? std::nullopt : running();
  // Their cows are files without a name.
  if (device && (device->role == layers::Role::snapshot || device->role == layers::Role::ephemeral)) {
    return to_bytes(dm::SnapshotStatus::parse(host().control().status(device->uuid).at(0).params).allocated);
  }
  const auto file = files();
  Bytes total;
  for (const Path& path : file.all())
    if (const auto found = stat_if_exists(path)) total = total + found->allocated;
  return total;
}

std::vector<Revision> FileVolume::revisions() {
  const Path revision = files().revision;
  struct stat st {};
  if (kind() != VolumeKind::origin || ::stat(revision.c_str(), &st) < 0) return {};
  // The commit renamed it; nothing changes it afterwards.
  return {{"old", std::chrono::system_clock::from_time_t(st.st_ctime)}};
}

namespace {

bool is_file(const Path& path, FileId id) {
  const auto found = stat_if_exists(path);
  return found && found->id == id;
}

/// The loop device under a layer, and which of the volume's files it is over; an unnamed cow has none.
std::optional<Layer> file_layer(dm::DeviceNumber device, const layers::BaseFiles& files) {
  const auto loop = loop::info_of_device(device.major, device.minor);
  if (!loop) return std::nullopt;
  const std::string name = fmt::format("loop{}", loop->number);
  if (is_file(files.image, loop->backing)) return Layer{"image", name, "/dev/" + name, files.image};
  for (const Path& cow : {files.cow, files.revision, files.overlay, files.replaced})
    if (is_file(cow, loop->backing)) return Layer{"cow", name, "/dev/" + name, cow};
  return Layer{"cow", name, "/dev/" + name, {}};
}

std::optional<Layer> view_layer(dm::DeviceNumber device, const std::vector<layers::OurDevice>& views) {
  const auto found = std::ranges::find(views, device, &layers::OurDevice::device);
  if (found == views.end()) return std::nullopt;
  return Layer{"view", found->name.str(), dm::node_of(device), {}};
}

}  // namespace

std::vector<Layer> FileVolume::layers() {
  if (!host().has_device_mapper()) return {};
  dm::Control& control = host().control();
  auto devices = layers::list_devices(control, key());
  std::erase_if(devices, [](const auto& device) { return device.is_gone(); });
  // What the guest has comes first, then the views, newest first.
  std::reverse(devices.begin(), devices.end());
  std::stable_sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
    return layers::tier_of(a.role) > layers::tier_of(b.role);
  });
  // A snapshot stands on a view of its source's.
  const bool is_on_view = kind() == VolumeKind::snapshot && !devices.empty();
  const auto views = is_on_view ? layers::list_devices(control, file_source().key()) : decltype(devices){};
  std::vector<Layer> result;
  for (const auto& device : devices) {
    result.push_back(
        {std::string(to_string(device.role)), device.name.str(), dm::node_of(device.device), {}});
    for (const dm::DeviceNumber under : control.deps(device.uuid)) {
      auto layer = file_layer(under, files());
      if (!layer) layer = view_layer(under, views);
      if (layer) result.push_back(std::move(*layer));
    }
  }
  return result;
}

void FileVolume::recover_origin(RecoveryReport& report, bool dry_run) {
  const auto file = files();
  layers::Base base = this->base();
  if (base.is_commit_pending()) {
    report.add(fmt::format("finish the commit of volume '{}'", properties().vid.str()));
    if (!dry_run) base.finish_commit(commit_options(nullptr));
  }
  for (const Path& half :
       {half_made(file.image), half_made(file.import), half_made(file.replaced), half_made(file.commit)})
    images::sweep_file(half, "half-made", report, dry_run);
  if (!dry_run && host().has_device_mapper()) base.tidy();
}

/// What a stop that was cut off left, and what was kept while that was wanted.
void FileVolume::recover_kept(RecoveryReport& report, bool dry_run) {
  if (is_running()) return;
  const Path kept = kept_store();
  if (path_exists(half_made(kept))) {
    report.add(fmt::format("finish '{}'", kept.native()));
    if (!dry_run) layers::finish_keeping(kept);
  }
  if (!properties().keep_changes) images::sweep_file(kept, "no longer wanted", report, dry_run);
}

void FileVolume::recover_now(RecoveryReport& report, bool dry_run) {
  if (kind() == VolumeKind::origin)
    recover_origin(report, dry_run);
  else if (kind() == VolumeKind::snapshot)
    recover_kept(report, dry_run);
  else if (!is_running())
    images::sweep_file(files().image, "a past session's", report, dry_run);
}

}  // namespace cowshed::pools::file
