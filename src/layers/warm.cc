// SPDX-License-Identifier: Apache-2.0
#include "layers/warm.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <system_error>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"
#include "base/workers.h"
#include "dm/device.h"
#include "layers/inventory.h"
#include "layers/upper.h"

namespace cowshed::layers {

// --- Making

void make_warm(Host& host, WarmStock& stock, const VolumeKey& key, const View& view, const Path& directory) {
  const auto cow = attach_unnamed_cow(view, directory);
  const dm::DmName name = key.warm_name(cow.number());
  stock.announce(name);
  Undo undo([&] { stock.give_up(name); });
  auto device = dm::Device::create(host.control(), name);
  device.load(upper_table(view, cow, dm::ExceptionStore::transient));
  device.resume();
  stock.add({name, device.number(), cow.number(), view.device, view.length});
  device.keep();
  undo.release();
}

// --- Handing out

namespace {

/// By deferred removal: should somebody have it open in this moment, it goes when they let go.
void remove_if_there(dm::Control& control, const dm::DeviceId& id) {
  try {
    control.remove(id, true);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

/// Handed out by half. It has perhaps got its UUID, but it can be nobody's under that name.
void throw_away(Host& host, WarmStock& stock, const dm::DmName& name) {
  try {
    remove_if_there(host.control(), name);
  } catch (const Error& failure) {
    log_warning(
        fmt::format("a warm layer that could not be handed out stays for now: {}", failure.message()));
    stock.condemn(name);
  }
}

}  // namespace

std::optional<dm::DeviceNumber> hand_out_warm(Host& host, WarmStock& stock, const VolumeKey& key,
                                              const View& view) {
  const auto layer = stock.take(view.device, view.length);
  if (!layer) return std::nullopt;
  const auto number = static_cast<std::uint64_t>(layer->loop);
  try {
    // In this order: until it has its new name too, it is nobody's (OurDevice::is_gone).
    host.control().set_uuid(layer->name, key.uuid(Role::snapshot, number));
    host.control().rename(layer->name, key.name(Role::snapshot, number));
    return layer->device;
  } catch (const Error& failure) {
    // Where the name is taken the volume runs already, and who makes a layer anew will say so.
    if (failure.kind() != ErrorKind::exists)
      log_warning(fmt::format("a warm layer could not be handed out: {}", failure.message()));
    stock.count_failure();
    throw_away(host, stock, layer->name);
    return std::nullopt;
  }
}

// --- Removing

namespace {

// As Host's threads: grace periods overlap.
constexpr std::size_t removing_threads = 16;

class Removal {
 public:
  Removal(Host& host, WarmStock& stock) : host_(host), stock_(stock), names_(stock.condemned()) {}

  std::optional<std::string> run() {
    if (names_.size() > 1 && Host::removal_waits())
      remove_in_threads();
    else
      for (const dm::DmName& name : names_) remove(name);
    return std::move(failure_);
  }

 private:
  /// Not those of the host: whoever calls may be one of them, and would wait for its like.
  void remove_in_threads() {
    Workers threads(std::min(names_.size(), removing_threads));
    for (const dm::DmName& name : names_) {
      try {
        threads.submit([this, &name] { remove(name); });
      } catch (const std::system_error&) {
        // No thread is to be had.
        remove(name);
      }
    }
  }

  void remove(const dm::DmName& name) {
    try {
      remove_if_there(host_.control(), name);
      stock_.removed(name);
    } catch (const std::exception& failure) {
      const std::lock_guard guard(mutex_);
      failure_ = failure.what();
    }
  }

  Host& host_;
  WarmStock& stock_;
  std::vector<dm::DmName> names_;
  std::mutex mutex_;
  std::optional<std::string> failure_;
};

}  // namespace

std::optional<std::string> remove_condemned(Host& host, WarmStock& stock) {
  return Removal(host, stock).run();
}

// --- Recovery

namespace {

class WarmSweep {
 public:
  WarmSweep(Host& host, FileId pool_directory, bool dry_run)
      : host_(host), control_(host.control()), pool_(pool_directory), dry_run_(dry_run) {}

  std::vector<std::string> run() {
    const std::string prefix = warm_name_prefix(pool_);
    for (const OurDevice& device : list_devices(control_, pool_uuid_prefix(pool_)))
      if (device.role == Role::view) views_.push_back(device.device);
    for (const dm::ListEntry& entry : control_.list())
      if (entry.name.starts_with(prefix) && entry.uuid.empty() && !host_.keeps_warm(entry.name))
        look_at(dm::DmName(entry.name));
    return std::move(report_);
  }

 private:
  void look_at(const dm::DmName& name) {
    const auto info = control_.info(name);
    if (!info || !info->uuid.empty() || info->open_count > 0) return;
    if (info->has_live_table && !stands_on_ours(name)) return;
    report_.push_back(fmt::format("remove {} {}",
                                  info->has_live_table ? "warm layer" : "half-built warm layer", name.str()));
    if (!dry_run_) control_.remove(name);
  }

  bool stands_on_ours(const dm::DmName& name) {
    const auto lines = control_.table(name);
    if (lines.size() != 1 || lines[0].type != dm::Snapshot::type) return false;
    const auto snapshot = dm::Snapshot::parse(lines[0].params);
    const auto loop = loop::info_of_device(snapshot.cow.major, snapshot.cow.minor);
    const bool is_on_view = std::ranges::find(views_, snapshot.origin) != views_.end();
    return is_on_view && loop && loop->backing.device == pool_.device;
  }

  Host& host_;
  dm::Control& control_;
  FileId pool_;
  bool dry_run_;
  std::vector<dm::DeviceNumber> views_;
  std::vector<std::string> report_;
};

}  // namespace

std::vector<std::string> sweep_warm(Host& host, FileId pool_directory, bool dry_run) {
  if (!host.has_device_mapper()) return {};
  return WarmSweep(host, pool_directory, dry_run).run();
}

}  // namespace cowshed::layers
