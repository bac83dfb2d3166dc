// SPDX-License-Identifier: Apache-2.0
#include "pools/images/image_pool.h"

#include <fmt/core.h>

#include <set>

#include "base/error.h"
#include "layers/sweep.h"
#include "layers/warm.h"
#include "pools/images/image_volume.h"

namespace cowshed::pools::images {

namespace {

constexpr int default_revisions_to_keep = 1;

}  // namespace

Parameter directory_parameter() {
  return {"dir_path", Parameter::Type::path, true, "", "the directory the volumes lie in"};
}

ImagePool::ImagePool(PoolSpec spec, std::string driver, DriverContext& context)
    : Pool(std::move(spec.name), std::move(driver), std::move(spec.parameters),
           spec.revisions_to_keep.value_or(default_revisions_to_keep)),
      host_(context.host),
      directory_(parameters().at("dir_path")) {}

void ImagePool::check_revisions(int value) const {
  if (value < -1)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("revisions_to_keep {} is not possible: -1 (snapshots off), 0 or more", value));
}

void ImagePool::set_revisions_to_keep(int value) {
  check_revisions(value);
  Pool::set_revisions_to_keep(value);
}

FileId ImagePool::directory_id() {
  const std::lock_guard guard(mutex_);
  if (!directory_id_) directory_id_ = layers::id_of_directory(directory_);
  return *directory_id_;
}

Operation<void> ImagePool::setup() {
  return Operation<void>::run_now([this] { make_directories(directory_); });
}

Operation<void> ImagePool::destroy() {
  return Operation<void>::run_now([this] {
    for (const char* sub : {"appvms", "vm-templates"}) remove_empty_directories(directory_ / sub, directory_);
    remove_empty_directories(directory_, directory_.parent_path());
  });
}

Vid ImagePool::make_vid(const VolumeOwner& owner, const VolumeName& volume) const {
  return Vid(
      fmt::format("{}/{}/{}", owner.is_template ? "vm-templates" : "appvms", owner.vm.str(), volume.str()));
}

void ImagePool::refuse(ErrorKind kind, const VolumeProperties& properties, std::string_view why) const {
  throw Error(kind, fmt::format("driver '{}': volume '{}': {}", driver(), properties.name.str(), why));
}

void ImagePool::check_cow_limit(const VolumeProperties& p) const {
  constexpr Bytes least = mebibytes(1);
  if (!p.cow_limit) return;
  if (!has_cows()) refuse(ErrorKind::not_supported, p, "this driver has no cows that cow_limit could limit");
  if (p.kind() == VolumeKind::volatile_)
    refuse(ErrorKind::invalid_argument, p, "cow_limit is not for volatile volumes: their size limits them");
  if (p.revisions_to_keep == -1)
    refuse(ErrorKind::invalid_argument, p, "cow_limit is of no use with snapshots off: there is no cow");
  if (*p.cow_limit < least)
    refuse(ErrorKind::invalid_argument, p,
           fmt::format("cow_limit {} is too little for any session: at least {}", format_size(*p.cow_limit),
                       format_size(least)));
}

void ImagePool::check_size(const VolumeProperties& p) const {
  if (p.snap_on_start) return;
  if (p.size.count == 0) refuse(ErrorKind::invalid_argument, p, "its size must be larger than 0");
  if (p.size.count % Sectors::bytes_each != 0)
    refuse(ErrorKind::invalid_argument, p,
           fmt::format("its size, {} bytes, is not a multiple of {}", p.size.count, Sectors::bytes_each));
}

void ImagePool::check(const VolumeProperties& p) const {
  check_size(p);
  if (p.revisions_to_keep)
    in_context([&] { return fmt::format("volume '{}'", p.name.str()); },
               [&] { check_revisions(*p.revisions_to_keep); });
  if (p.revisions_to_keep == -1 && p.kind() != VolumeKind::origin)
    refuse(ErrorKind::invalid_argument, p, "revisions_to_keep -1 needs save_on_stop without snap_on_start");
  if (p.ephemeral.value_or(false) && !p.may_be_ephemeral())
    refuse(ErrorKind::invalid_argument, p,
           "only a volatile volume that the guest can write can be ephemeral");
  check_cow_limit(p);
}

RecoveryReport ImagePool::recover(std::span<Volume* const> volumes, bool dry_run) {
  const std::string prefix = layers::pool_uuid_prefix(directory_id());
  RecoveryReport report;
  std::set<std::string> known;
  for (Volume* volume : volumes) known.insert(dynamic_cast<ImageVolume&>(*volume).key().volume());
  // Sessions are the guard's, or their volume's below: it looks first at whether there is space for what
  // waits.
  const auto resumes = [&](const layers::OurDevice& device) {
    return layers::tier_of(device.role) != layers::Tier::guest || device.is_gone() ||
           !known.contains(device.volume);
  };
  report.lines = layers::sweep_devices(host_, prefix, dry_run, resumes);
  for (std::string& line : layers::sweep_warm(host_, directory_id(), dry_run)) report.add(std::move(line));
  for (Volume* volume : volumes) {
    auto& image_volume = dynamic_cast<ImageVolume&>(*volume);
    image_volume.recover(report, dry_run);
    image_volume.recover_session(report, dry_run);
  }
  for (std::string& line : layers::remove_orphans(host_, prefix, known, dry_run)) report.add(std::move(line));
  return report;
}

}  // namespace cowshed::pools::images
