// SPDX-License-Identifier: Apache-2.0
#include "pools/volume.h"

#include <fmt/core.h>

#include "base/error.h"
#include "pools/pool.h"

namespace cowshed::pools {

std::string_view to_string(WritePolicy policy) {
  return policy == WritePolicy::in_place ? "in-place" : "overlay";
}

std::string_view to_string(VolumeKind kind) {
  switch (kind) {
    case VolumeKind::volatile_:
      return "volatile";
    case VolumeKind::origin:
      return "origin";
    case VolumeKind::snapshot:
      return "snapshot";
    case VolumeKind::origin_snapshot:
      return "origin-snapshot";
  }
  return "unknown";
}

VolumeKind VolumeProperties::kind() const {
  if (snap_on_start) return save_on_stop ? VolumeKind::origin_snapshot : VolumeKind::snapshot;
  return save_on_stop ? VolumeKind::origin : VolumeKind::volatile_;
}

Volume& Volume::source() const {
  Volume* const found = source_ ? source_() : nullptr;
  if (!found)
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format("volume '{}' begins from a snapshot, but no VM up its template chain saves a volume of "
                    "that name",
                    properties_.name.str()));
  return *found;
}

int Volume::revisions_to_keep() const {
  if (!properties_.save_on_stop) return 0;
  return properties_.revisions_to_keep.value_or(pool_.revisions_to_keep());
}

bool Volume::is_ephemeral() const {
  return properties_.may_be_ephemeral() && properties_.ephemeral.value_or(pool_.ephemeral_volatile());
}

void Volume::set_properties(VolumeProperties properties) {
  pool_.check(properties);
  properties_ = std::move(properties);
}

Bytes& UsageDetails::of(DataKind kind) {
  switch (kind) {
    case DataKind::cow:
      return cows;
    case DataKind::revision:
      return revisions;
    case DataKind::volatile_:
      return volatile_;
    case DataKind::image:
      break;
  }
  return images;
}

UsageDetails& UsageDetails::operator+=(const UsageDetails& other) {
  images = images + other.images;
  cows = cows + other.cows;
  revisions = revisions + other.revisions;
  volatile_ = volatile_ + other.volatile_;
  return *this;
}

namespace {

DataKind data_of(VolumeKind kind) {
  if (kind == VolumeKind::volatile_) return DataKind::volatile_;
  return kind == VolumeKind::snapshot ? DataKind::cow : DataKind::image;
}

}  // namespace

UsageDetails Volume::usage_details() {
  UsageDetails details;
  const auto files = stored_files();
  for (const StoredFile& file : files) details.of(file.kind) = details.of(file.kind) + file.allocated;
  if (files.empty()) details.of(data_of(kind())) = usage();
  return details;
}

void Volume::not_supported(std::string_view operation, std::string_view reason) const {
  throw Error(ErrorKind::not_supported, fmt::format("driver '{}' cannot {} volume '{}': {}", pool_.driver(),
                                                    operation, properties_.name.str(), reason));
}

namespace {
constexpr std::string_view no_such_operation = "it does not have this operation";
}

// NOLINTBEGIN(performance-unnecessary-value-param): those that override them take their parameters over.
Operation<void> Volume::import_file(const GivenImage&, ProgressWatch) {
  not_supported("import into", no_such_operation);
}
Operation<void> Volume::import_volume(Volume&, ProgressWatch) {
  not_supported("import into", no_such_operation);
}
Operation<std::unique_ptr<Export>> Volume::begin_export() { not_supported("export", no_such_operation); }
Operation<void> Volume::resize(Bytes, bool, ProgressWatch) { not_supported("resize", no_such_operation); }
Operation<void> Volume::revert(std::optional<std::string>, ProgressWatch) {
  not_supported("revert", no_such_operation);
}
Operation<void> Volume::promote(ProgressWatch) { not_supported("promote", no_such_operation); }
// NOLINTEND(performance-unnecessary-value-param)

}  // namespace cowshed::pools
