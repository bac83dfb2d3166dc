// SPDX-License-Identifier: Apache-2.0
// ImagePool: looking after space.
#include "base/file_system.h"
#include "pools/images/image_pool.h"
#include "pools/images/image_volume.h"

namespace cowshed::pools::images {

layers::SpaceGuard& ImagePool::space_guard() {
  const FileId id = directory_id();
  const std::lock_guard guard(mutex_);
  if (!space_guard_)
    space_guard_ = std::make_unique<layers::SpaceGuard>(host_, layers::pool_uuid_prefix(id), directory_);
  return *space_guard_;
}

layers::WatchList* ImagePool::watch_list() {
  // Where the directory is gone nothing runs.
  if (!host_.is_guarded() || !path_exists(directory_)) return nullptr;
  return &space_guard().volumes();
}

void ImagePool::begin_guard(std::span<Volume* const> volumes) {
  // Not set up yet, or not mounted: nothing runs.
  if (!path_exists(directory_)) return;
  for (Volume* volume : volumes) dynamic_cast<ImageVolume&>(*volume).watch();
  space_guard().inherit();
}

GuardReport ImagePool::guard() {
  if (!path_exists(directory_)) return {};
  return space_guard().pass(space());
}

bool ImagePool::end_guard(std::span<Volume* const> volumes) {
  RecoveryReport report;
  for (Volume* volume : volumes) dynamic_cast<ImageVolume&>(*volume).recover_session(report, false);
  return report.complete;
}

bool ImagePool::is_full() {
  const FileSystem found = file_system_of(directory_);
  return found.available < layers::SpaceMarks::of(found.size, space().hold).critical;
}

}  // namespace cowshed::pools::images
