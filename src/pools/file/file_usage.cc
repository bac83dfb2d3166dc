// SPDX-License-Identifier: Apache-2.0
// FileVolume: what it takes on disk.
#include <algorithm>

#include "dm/targets.h"
#include "layers/base_files.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

namespace {

DataKind data_in(const Path& path, const layers::BaseFiles& files, VolumeKind kind) {
  if (kind == VolumeKind::volatile_) return DataKind::volatile_;
  if (path == files.revision()) return DataKind::revision;
  const bool is_image = path == files.image() || path == files.import();
  return is_image || path == half_made(files.image()) || path == half_made(files.import()) ? DataKind::image
                                                                                           : DataKind::cow;
}

/// Not those that are a second name of another: a commit gives its files two.
std::vector<StoredFile> without_doubles(std::vector<StoredFile> files, const std::vector<FileId>& ids) {
  std::vector<StoredFile> result;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (std::find(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1, ids.end(), ids[i]) == ids.end())
      result.push_back(std::move(files[i]));
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

std::vector<StoredFile> FileVolume::stored_files() {
  const auto own = files();
  std::vector<StoredFile> found;
  std::vector<FileId> ids;
  for (Path& path : own.all()) {
    const auto stat = stat_if_exists(path);
    if (!stat) continue;
    ids.push_back(stat->id);
    const DataKind data = data_in(path, own, kind());
    found.push_back({data, std::move(path), stat->allocated});
  }
  return without_doubles(std::move(found), ids);
}

Bytes FileVolume::usage() {
  const auto device = kind() == VolumeKind::origin ? std::nullopt : running();
  // Their cows are files without a name.
  if (device && (device->role == layers::Role::snapshot || device->role == layers::Role::ephemeral)) {
    return to_bytes(dm::SnapshotStatus::parse(host().control().status(device->uuid).at(0).params).allocated);
  }
  Bytes total;
  for (const StoredFile& file : stored_files()) total = total + file.allocated;
  return total;
}

UsageDetails FileVolume::usage_details() {
  UsageDetails details = Volume::usage_details();
  if (kind() != VolumeKind::origin) return details;
  // What old views still hold of states whose files are gone.
  for (const Layer& layer : layers())
    if (layer.role == "cow" && layer.file.empty()) details.cows = details.cows + layer.used.value_or(Bytes{});
  return details;
}

}  // namespace cowshed::pools::file
