// SPDX-License-Identifier: Apache-2.0
// FileVolume: the layers under what runs, as the kernel tells them.
#include <fmt/core.h>

#include <algorithm>

#include "dm/device.h"
#include "layers/snapshot.h"
#include "loop/loop.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

namespace {

using layers::OurDevice;

bool is_file(const Path& path, FileId id) {
  const auto found = stat_if_exists(path);
  return found && found->id == id;
}

/// The loop device under a layer, and which of the volume's files it is over; an unnamed cow has none.
std::optional<Layer> file_layer(dm::DeviceNumber device, const layers::BaseFiles& files) {
  const auto loop = loop::info_of_device(device.major, device.minor);
  if (!loop) return std::nullopt;
  const std::string name = fmt::format("loop{}", loop->number);
  Layer layer{"cow", name, "/dev/" + name, {}};
  for (const Path& file : {files.image, files.cow, files.revision, files.overlay, files.replaced}) {
    if (!is_file(file, loop->backing)) continue;
    layer.file = file;
    layer.used = stat_if_exists(file).value_or(FileStat{}).allocated;
  }
  if (layer.file == files.image) layer.role = "image";
  return layer;
}

const OurDevice* find(const std::vector<OurDevice>& devices, dm::DeviceNumber number) {
  const auto found = std::ranges::find(devices, number, &OurDevice::device);
  return found == devices.end() ? nullptr : &*found;
}

Layer brief(const OurDevice& device) {
  Layer layer{std::string(to_string(device.role)), device.name.str(), dm::node_of(device.device), {}};
  if (device.role == layers::Role::view) layer.generation = device.number;
  return layer;
}

/// What the kernel says of a device: its size, what it holds, how it is.
void add_state(Layer& layer, dm::Control& control, const OurDevice& device) {
  if (const auto info = control.info(device.uuid); info && info->suspended)
    layer.marks.emplace_back("suspended");
  const auto status = control.status(device.uuid);
  if (status.size() != 1) return;
  layer.size = to_bytes(status[0].length);
  if (status[0].type != dm::Snapshot::type) return;
  const auto snapshot = dm::SnapshotStatus::parse(status[0].params);
  if (snapshot.state == dm::SnapshotStatus::State::active)
    layer.used = to_bytes(snapshot.allocated);
  else
    layer.marks.emplace_back("invalid");
}

/// A volume's devices in the order in which people read them: what the guest has comes first, the views last,
/// newest first.
void sort_top_first(std::vector<OurDevice>& devices) {
  std::erase_if(devices, [](const auto& device) { return device.is_gone(); });
  std::reverse(devices.begin(), devices.end());
  std::stable_sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
    return layers::tier_of(a.role) > layers::tier_of(b.role);
  });
}

/// One after the other, each followed by the files that it is made of.
class Survey {
 public:
  Survey(dm::Control& control, layers::BaseFiles files, std::vector<OurDevice> own,
         std::vector<OurDevice> below)
      : control_(control), files_(std::move(files)), own_(std::move(own)), below_(std::move(below)) {}

  std::vector<Layer> run() {
    for (const auto& device : own_) add(device);
    return std::move(layers_);
  }

 private:
  void add(const OurDevice& device) {
    Layer layer = brief(device);
    add_state(layer, control_, device);
    std::vector<Layer> under;
    for (const dm::DeviceNumber number : control_.deps(device.uuid)) add_below(layer, number, under);
    layers_.push_back(std::move(layer));
    for (auto& each : under) layers_.push_back(std::move(each));
  }

  void add_below(Layer& layer, dm::DeviceNumber number, std::vector<Layer>& under) {
    if (const auto* own = find(own_, number)) {
      layer.stands_on.push_back(own->name.str());
    } else if (const auto* other = find(below_, number)) {
      layer.stands_on.push_back(other->name.str());
      under.push_back(brief(*other));
    } else if (auto file = file_layer(number, files_)) {
      layer.stands_on.push_back(file->device);
      if (file->role == "cow" && file->file.empty()) file->used = layer.used;
      under.push_back(std::move(*file));
    }
  }

  dm::Control& control_;
  layers::BaseFiles files_;
  /// The volume's, and the views of its source that it may stand on.
  std::vector<OurDevice> own_, below_;
  std::vector<Layer> layers_;
};

Layer* find(std::vector<Layer>& layers, const std::string& device) {
  const auto found = std::ranges::find(layers, device, &Layer::device);
  return found == layers.end() ? nullptr : &*found;
}

}  // namespace

void FileVolume::mark_views(std::vector<Layer>& layers, const std::vector<layers::OurDevice>& devices) {
  const OurDevice* newest = nullptr;
  for (const auto& device : devices) {
    if (device.role != layers::Role::view) continue;
    if (device.name == key().retired_view_name(device.number))
      find(layers, device.name.str())->marks.emplace_back("replaced");
    else if (newest == nullptr)
      newest = &device;
  }
  if (newest == nullptr) return;
  find(layers, newest->name.str())->marks.emplace_back("newest");
  if (const auto committed = base().committed_view())
    if (Layer* layer = find(layers, committed->name.str())) layer->marks.emplace_back("committed");
}

std::vector<Layer> FileVolume::layers() {
  if (!host().has_device_mapper()) return {};
  dm::Control& control = host().control();
  auto devices = layers::list_devices(control, key());
  sort_top_first(devices);
  // A snapshot stands on a view of its source's.
  const bool is_on_view = kind() == VolumeKind::snapshot && !devices.empty();
  auto views = is_on_view ? layers::list_devices(control, file_source().key()) : decltype(devices){};
  auto result = Survey(control, files(), devices, std::move(views)).run();
  if (kind() == VolumeKind::origin) mark_views(result, devices);
  return result;
}

bool FileVolume::is_invalid() {
  if (!host().has_device_mapper()) return false;
  for (const auto& device : layers::list_devices(host().control(), key())) {
    if (device.is_gone() || device.role == layers::Role::plain) continue;
    Layer layer;
    add_state(layer, host().control(), device);
    if (std::ranges::find(layer.marks, "invalid") != layer.marks.end()) return true;
  }
  return false;
}

bool FileVolume::is_commit_pending() { return kind() == VolumeKind::origin && base().is_commit_pending(); }

}  // namespace cowshed::pools::file
