// SPDX-License-Identifier: Apache-2.0
#include "pools/file/file_pool.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/error.h"
#include "layers/sweep.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

namespace {

constexpr int default_revisions_to_keep = 1;

void check_revisions(int value) {
  if (value < -1)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("revisions_to_keep {} is not possible: -1 (snapshots off), 0 or more", value));
  if (value > 1)
    throw Error(ErrorKind::not_supported,
                fmt::format("driver 'file' keeps at most one revision, not {}", value));
}

struct statvfs file_system_of(const Path& directory) {
  struct statvfs result {};
  if (::statvfs(directory.c_str(), &result) < 0)
    throw Error::from_errno(errno, fmt::format("file system of '{}'", directory.native()));
  return result;
}

FileId id_of_directory(const Path& directory) {
  struct stat st {};
  if (::stat(directory.c_str(), &st) < 0)
    throw Error::from_errno(errno, fmt::format("pool directory '{}'", directory.native()));
  return {st.st_dev, st.st_ino};
}

[[noreturn]] void refuse(ErrorKind kind, const VolumeProperties& properties, std::string_view why) {
  throw Error(kind, fmt::format("driver 'file': volume '{}': {}", properties.name.str(), why));
}

void check_not_yet(const VolumeProperties& p) {
  const auto refuse_if = [&](bool wanted, std::string_view what) {
    if (wanted) refuse(ErrorKind::not_supported, p, fmt::format("{} is not supported yet", what));
  };
  refuse_if(p.cow_limit.has_value(), "cow_limit");
  refuse_if(p.warm != 0, "warm");
}

void check_size(const VolumeProperties& p) {
  if (p.snap_on_start) return;
  if (p.size.count == 0) refuse(ErrorKind::invalid_argument, p, "its size must be larger than 0");
  if (p.size.count % Sectors::bytes_each != 0)
    refuse(ErrorKind::invalid_argument, p,
           fmt::format("its size, {} bytes, is not a multiple of {}", p.size.count, Sectors::bytes_each));
}

}  // namespace

Driver driver() {
  return {
      .name = "file",
      .help = "sparse files in a directory tree, device-mapper snapshots over them",
      .parameters = {{"dir_path", Parameter::Type::path, true, "", "the directory the volumes lie in"}},
      .capabilities = {Capability::volatile_volumes, Capability::origin_volumes, Capability::snapshot_volumes,
                       Capability::writable_volumes, Capability::one_revision, Capability::snapshots_off,
                       Capability::in_place, Capability::overlay, Capability::keep_changes,
                       Capability::ephemeral, Capability::export_, Capability::import, Capability::grow,
                       Capability::grow_running, Capability::shrink},
      .make = [](PoolSpec spec, DriverContext& context) {
        return std::make_unique<FilePool>(std::move(spec), context);
      }};
}

FilePool::FilePool(PoolSpec spec, DriverContext& context)
    : Pool(std::move(spec.name), "file", std::move(spec.parameters),
           spec.revisions_to_keep.value_or(default_revisions_to_keep)),
      host_(context.host),
      directory_(parameters().at("dir_path")) {
  check_revisions(revisions_to_keep());
}

void FilePool::set_revisions_to_keep(int value) {
  check_revisions(value);
  Pool::set_revisions_to_keep(value);
}

FileId FilePool::directory_id() {
  const std::lock_guard guard(mutex_);
  if (!directory_id_) directory_id_ = id_of_directory(directory_);
  return *directory_id_;
}

Operation<void> FilePool::setup() {
  return Operation<void>::run_now([this] { make_directories(directory_); });
}

Operation<void> FilePool::destroy() {
  return Operation<void>::run_now([this] {
    for (const char* sub : {"appvms", "vm-templates"}) remove_empty_directories(directory_ / sub, directory_);
    remove_empty_directories(directory_, directory_.parent_path());
  });
}

Vid FilePool::make_vid(const VolumeOwner& owner, const VolumeName& volume) const {
  return Vid(
      fmt::format("{}/{}/{}", owner.is_template ? "vm-templates" : "appvms", owner.vm.str(), volume.str()));
}

void FilePool::check(const VolumeProperties& p) const {
  if (p.kind() == VolumeKind::origin_snapshot)
    refuse(ErrorKind::not_supported, p,
           "this driver has no volumes with snap_on_start and save_on_stop both");
  check_size(p);
  if (p.revisions_to_keep) check_revisions(*p.revisions_to_keep);
  if (p.revisions_to_keep == -1 && p.kind() != VolumeKind::origin)
    refuse(ErrorKind::invalid_argument, p, "revisions_to_keep -1 needs save_on_stop without snap_on_start");
  if (p.ephemeral.value_or(false) && !p.may_be_ephemeral())
    refuse(ErrorKind::invalid_argument, p,
           "only a volatile volume that the guest can write can be ephemeral");
  check_not_yet(p);
}

std::unique_ptr<Volume> FilePool::volume(VolumeProperties properties, Volume::SourceResolver source) {
  return std::make_unique<FileVolume>(*this, std::move(properties), std::move(source));
}

std::optional<Bytes> FilePool::size() const {
  const auto fs = file_system_of(directory_);
  return Bytes{fs.f_blocks * fs.f_frsize};
}

std::optional<Bytes> FilePool::usage() const {
  const auto fs = file_system_of(directory_);
  return Bytes{(fs.f_blocks - fs.f_bfree) * fs.f_frsize};
}

RecoveryReport FilePool::recover(std::span<Volume* const> volumes, bool dry_run) {
  const std::string prefix = layers::pool_uuid_prefix(directory_id());
  RecoveryReport report{.lines = layers::sweep_devices(host_, prefix, dry_run)};
  std::set<std::string> known;
  for (Volume* volume : volumes) {
    auto& file_volume = dynamic_cast<FileVolume&>(*volume);
    known.insert(file_volume.key().volume());
    file_volume.recover(report, dry_run);
  }
  for (std::string& line : layers::remove_orphans(host_, prefix, known, dry_run)) report.add(std::move(line));
  return report;
}

}  // namespace cowshed::pools::file
