// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/reflink_pool.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "io/sharing.h"
#include "pools/reflink/reflink_volume.h"

namespace cowshed::pools::reflink {

namespace {
constexpr const char* setup_check = "setup_check";
}  // namespace

Driver driver() {
  return {
      .name = "file-reflink",
      .help = "image files that share extents (XFS, btrfs), any number of revisions",
      .parameters = {images::directory_parameter(),
                     {setup_check, Parameter::Type::boolean, false, "true",
                      "refuse a file system that cannot share extents; false: copy there"}},
      .capabilities = {Capability::volatile_volumes, Capability::origin_volumes, Capability::snapshot_volumes,
                       Capability::origin_snapshot_volumes, Capability::writable_volumes,
                       Capability::one_revision, Capability::many_revisions, Capability::snapshots_off,
                       Capability::keep_changes, Capability::ephemeral, Capability::export_,
                       Capability::import, Capability::grow, Capability::grow_running, Capability::shrink},
      .make = [](PoolSpec spec, DriverContext& context) {
        return std::make_unique<ReflinkPool>(std::move(spec), context);
      }};
}

ReflinkPool::ReflinkPool(PoolSpec spec, DriverContext& context)
    : ImagePool(std::move(spec), "file-reflink", context) {
  check_revisions(revisions_to_keep());
}

void ReflinkPool::check_file_system() const {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorKind::not_supported,
                fmt::format("driver 'file-reflink': the file system of '{}' {}", directory().native(), why));
  };
  if (!can_remember_in(directory())) refuse("has no extended attributes (user.*), which this driver needs");
  const auto found = parameters().find(setup_check);
  const bool is_checked = found == parameters().end() || found->second != "false";
  if (is_checked && !io::can_share_in(directory()))
    refuse(
        "cannot share extents: take one that can (mkfs.btrfs, or mkfs.xfs, with reflink=1 where that is not "
        "the default), the driver 'file', or -o setup_check=false, which copies whole images instead");
}

Operation<void> ReflinkPool::setup() {
  return Operation<void>::run_now([this] {
    const bool was_there = path_exists(directory());
    make_directories(directory());
    Undo undo([&] {
      if (!was_there) remove_empty_directories(directory(), directory().parent_path());
    });
    check_file_system();
    undo.release();
  });
}

void ReflinkPool::check(const VolumeProperties& p) const {
  ImagePool::check(p);
  if (p.write_policy)
    refuse(ErrorKind::not_supported, p,
           "write_policy is not for this driver: a session always writes a file of its own");
  if (p.warm != 0)
    refuse(ErrorKind::not_supported, p, "warm is not for this driver: a start makes no layers to keep ready");
  if (is_taken_name(p.vid.str()))
    refuse(ErrorKind::invalid_argument, p, "a name with this ending is that of another volume's files");
}

std::unique_ptr<Volume> ReflinkPool::volume(VolumeProperties properties, Volume::SourceResolver source) {
  return std::make_unique<ReflinkVolume>(*this, std::move(properties), std::move(source));
}

}  // namespace cowshed::pools::reflink
