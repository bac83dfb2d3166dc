// SPDX-License-Identifier: Apache-2.0
// FileVolume: the layers under what runs, as the kernel tells them.
#include <algorithm>

#include "layers/snapshot.h"
#include "pools/file/file_volume.h"
#include "pools/images/layer_survey.h"

namespace cowshed::pools::file {

namespace {

using layers::OurDevice;

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
  const auto devices = images::top_first(layers::list_devices(control, key()));
  // A snapshot stands on a view of its source's.
  const bool is_on_view = kind() == VolumeKind::snapshot && !devices.empty();
  auto views = is_on_view ? layers::list_devices(control, file_source().key()) : std::vector<OurDevice>{};
  const auto file = files();
  auto result = images::survey_layers(
      control, {file.image(), {file.cow(), file.revision(), file.overlay(), file.replaced()}}, devices,
      std::move(views));
  if (kind() == VolumeKind::origin) mark_views(result, devices);
  return result;
}

bool FileVolume::is_invalid() {
  if (!host().has_device_mapper()) return false;
  for (const auto& device : layers::list_devices(host().control(), key())) {
    if (device.is_gone() || device.role == layers::Role::plain) continue;
    Layer layer;
    images::add_state(layer, host().control(), device);
    if (std::ranges::find(layer.marks, "invalid") != layer.marks.end()) return true;
  }
  return false;
}

bool FileVolume::is_commit_pending() { return kind() == VolumeKind::origin && base().is_commit_pending(); }

}  // namespace cowshed::pools::file
