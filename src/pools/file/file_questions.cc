// SPDX-License-Identifier: Apache-2.0
// FileVolume: questions, answered from directory and kernel.
#include <fmt/core.h>
#include <sys/stat.h>

#include "base/error.h"
#include "dm/device.h"
#include "layers/changes.h"
#include "layers/image_file.h"
#include "layers/snapshot.h"
#include "layers/store_file.h"
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
  for (const Path& store : {file.cow(), file.revision(), file.overlay()})
    if (path_exists(store)) layers::check_store_file(store, size());
  if (base().is_broken())
    throw Error(ErrorKind::corrupt_image,
                fmt::format("the kernel has marked the view over '{}' invalid", file.cow().native()));
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
  const auto image = stat_if_exists(files().image());
  return image && kind() == VolumeKind::origin ? image->size : properties().size;
}

std::vector<Revision> FileVolume::revisions() {
  const Path revision = files().revision();
  struct stat st {};
  if (kind() != VolumeKind::origin || ::stat(revision.c_str(), &st) < 0) return {};
  // The commit renamed it; nothing changes it afterwards.
  return {{"old", std::chrono::system_clock::from_time_t(st.st_ctime)}};
}

void FileVolume::recover_origin(RecoveryReport& report, bool dry_run) {
  const auto file = files();
  layers::Base base = this->base();
  if (base.is_commit_pending()) {
    report.add(fmt::format("finish the commit of volume '{}'", properties().vid.str()));
    if (!dry_run) base.finish_commit(commit_options(nullptr));
  }
  for (const Path& half : {half_made(file.image()), half_made(file.import()), half_made(file.replaced()),
                           half_made(file.commit())})
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
    images::sweep_file(files().image(), "a past session's", report, dry_run);
}

}  // namespace cowshed::pools::file
