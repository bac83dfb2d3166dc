// SPDX-License-Identifier: Apache-2.0
#include "pools/file/file_pool.h"

#include <fmt/core.h>

#include "base/error.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

Driver driver() {
  return {
      .name = "file",
      .help = "sparse files in a directory tree, device-mapper snapshots over them",
      .parameters = {images::directory_parameter()},
      .capabilities = {Capability::volatile_volumes, Capability::origin_volumes, Capability::snapshot_volumes,
                       Capability::writable_volumes, Capability::one_revision, Capability::snapshots_off,
                       Capability::in_place, Capability::overlay, Capability::keep_changes,
                       Capability::cow_limit, Capability::ephemeral, Capability::warm, Capability::export_,
                       Capability::import, Capability::grow, Capability::grow_running, Capability::shrink},
      .make = [](PoolSpec spec, DriverContext& context) {
        return std::make_unique<FilePool>(std::move(spec), context);
      }};
}

FilePool::FilePool(PoolSpec spec, DriverContext& context) : ImagePool(std::move(spec), "file", context) {
  FilePool::check_revisions(revisions_to_keep());
}

void FilePool::check_revisions(int value) const {
  ImagePool::check_revisions(value);
  if (value > 1)
    throw Error(ErrorKind::not_supported,
                fmt::format("driver 'file' keeps at most one revision, not {}", value));
}

void FilePool::check(const VolumeProperties& p) const {
  if (p.kind() == VolumeKind::origin_snapshot)
    refuse(ErrorKind::not_supported, p,
           "this driver has no volumes with snap_on_start and save_on_stop both");
  if (p.warm < 0 || (p.warm > 0 && p.kind() != VolumeKind::origin))
    refuse(ErrorKind::invalid_argument, p,
           "layers stand ready (warm) only for the snapshots of an origin volume");
  if (layers::is_taken_name(p.vid.str()))
    refuse(ErrorKind::invalid_argument, p, "a name with this ending is that of another volume's files");
  ImagePool::check(p);
}

std::unique_ptr<Volume> FilePool::volume(VolumeProperties properties, Volume::SourceResolver source) {
  return std::make_unique<FileVolume>(*this, std::move(properties), std::move(source));
}

}  // namespace cowshed::pools::file
