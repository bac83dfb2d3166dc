// SPDX-License-Identifier: Apache-2.0
#include "pools/guest_device.h"

#include <fmt/core.h>
#include <array>
#include <set>

#include "dm/device.h"
#include "layers/inventory.h"
#include "layers/plain.h"
#include "layers/sweep.h"
#include "pools/driver_context.h"

namespace cowshed::pools {

namespace {

layers::VolumeKey key_of(FileId directory, const Volume& volume) {
  return {directory, volume.pool().name(), volume.properties().vid};
}

}  // namespace

struct GuestDevice::State {
  layers::Host& host;
  const Path directory;
  const Volume& volume;

  [[nodiscard]] layers::VolumeKey key() const { return key_of(layers::id_of_directory(directory), volume); }
  [[nodiscard]] std::optional<layers::OurDevice> running() const {
    return layers::find_guest_device(host, key(), std::array{layers::Role::plain});
  }
  [[nodiscard]] BlockDevice describe(dm::DeviceNumber device, bool rw) const {
    return {.name = volume.properties().name.str(),
            .path = {},
            .node = dm::node_of(device),
            .major = device.major,
            .minor = device.minor,
            .rw = rw};
  }
};

GuestDevice::GuestDevice(DriverContext& context, const Path& pool_directory, const Volume& volume)
    : state_(new State{context.host, pool_directory, volume}) {}

GuestDevice::~GuestDevice() = default;

std::optional<BlockDevice> GuestDevice::find() const {
  if (!state_->host.has_device_mapper()) return std::nullopt;
  const auto device = state_->running();
  if (!device) return std::nullopt;
  const auto info = state_->host.control().info(device->uuid);
  return state_->describe(device->device, !(info && info->read_only));
}

BlockDevice GuestDevice::attach(const Path& file, bool rw) {
  const layers::Running running = layers::start_plain(state_->host, state_->key(), file, rw);
  return state_->describe(running.device, running.rw);
}

void GuestDevice::check_detach() const {
  if (!state_->host.has_device_mapper()) return;
  if (const auto device = state_->running()) layers::refuse_while_open(state_->host.control(), *device);
}

void GuestDevice::detach() {
  if (!state_->host.has_device_mapper()) return;
  if (const auto device = state_->running()) layers::stop_plain(state_->host, *device);
}

void GuestDevice::grow(const Path& file, Bytes size) {
  if (const auto device = state_->running()) return layers::grow_plain(state_->host, *device, file, size);
  throw Error(ErrorKind::not_running, fmt::format("'{}' is attached to no guest", file.native()));
}

RecoveryReport recover_guest_devices(DriverContext& context, const Path& pool_directory,
                                     std::span<Volume* const> volumes, bool dry_run) {
  const FileId directory = layers::id_of_directory(pool_directory);
  const std::string prefix = layers::pool_uuid_prefix(directory);
  RecoveryReport report{.lines = layers::sweep_devices(context.host, prefix, dry_run)};
  std::set<std::string> known;
  for (const Volume* volume : volumes) known.insert(key_of(directory, *volume).volume());
  for (auto& line : layers::remove_orphans(context.host, prefix, known, dry_run)) report.add(std::move(line));
  return report;
}

}  // namespace cowshed::pools
