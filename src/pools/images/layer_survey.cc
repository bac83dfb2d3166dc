// SPDX-License-Identifier: Apache-2.0
#include "pools/images/layer_survey.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "dm/device.h"
#include "loop/loop.h"

namespace cowshed::pools::images {

namespace {

using layers::OurDevice;

bool is_file(const Path& path, FileId id) {
  const auto found = stat_if_exists(path);
  return found && found->id == id;
}

/// The loop device under a layer, and which of the volume's files it is over; an unnamed cow has none.
std::optional<Layer> file_layer(dm::DeviceNumber device, const SurveyedFiles& files) {
  const auto loop = loop::info_of_device(device.major, device.minor);
  if (!loop) return std::nullopt;
  const std::string name = fmt::format("loop{}", loop->number);
  Layer layer{"cow", name, "/dev/" + name, {}};
  const auto take = [&](const Path& file, const char* role) {
    if (!is_file(file, loop->backing)) return;
    layer.role = role;
    layer.file = file;
    layer.used = stat_if_exists(file).value_or(FileStat{}).allocated;
  };
  for (const Path& store : files.stores) take(store, "cow");
  take(files.image, "image");
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

/// One after the other, each followed by the files that it is made of.
class Survey {
 public:
  Survey(dm::Control& control, SurveyedFiles files, std::vector<OurDevice> own, std::vector<OurDevice> below)
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
  SurveyedFiles files_;
  /// The volume's, and the views of its source that it may stand on.
  std::vector<OurDevice> own_, below_;
  std::vector<Layer> layers_;
};

}  // namespace

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

std::vector<OurDevice> top_first(std::vector<OurDevice> devices) {
  std::erase_if(devices, [](const auto& device) { return device.is_gone(); });
  std::reverse(devices.begin(), devices.end());
  std::stable_sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
    return layers::tier_of(a.role) > layers::tier_of(b.role);
  });
  return devices;
}

std::vector<Layer> survey_layers(dm::Control& control, SurveyedFiles files, std::vector<OurDevice> own,
                                 std::vector<OurDevice> below) {
  return Survey(control, std::move(files), std::move(own), std::move(below)).run();
}

}  // namespace cowshed::pools::images
