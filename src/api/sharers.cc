// SPDX-License-Identifier: Apache-2.0
#include "api/sharers.h"

#include <map>
#include <set>

namespace cowshed::api {

namespace {

template <typename Look>
void for_each_volume(std::vector<VmInfo>& vms, Look look) {
  for (auto& vm : vms)
    for (auto& volume : vm.volumes) look(volume);
}

std::set<std::string> devices_of(const VolumeInfo& volume) {
  std::set<std::string> result;
  for (const auto& layer : volume.layers)
    if (!layer.stands_on.empty() || layer.size) result.insert(layer.device);
  return result;
}

/// A device of another volume under one of its layers.
std::set<std::string> foreign_under(const VolumeInfo& volume) {
  const auto own = devices_of(volume);
  std::set<std::string> result;
  for (const auto& layer : volume.layers)
    for (const auto& under : layer.stands_on)
      if (!own.contains(under) && !under.starts_with("loop")) result.insert(under);
  return result;
}

}  // namespace

void add_sharers(std::vector<VmInfo>& vms) {
  std::map<std::string, std::vector<std::string>> sharers;
  for_each_volume(vms, [&](const VolumeInfo& volume) {
    for (const auto& device : foreign_under(volume)) sharers[device].push_back(volume.vm + ":" + volume.name);
  });
  for_each_volume(vms, [&](VolumeInfo& volume) {
    for (auto& layer : volume.layers)
      if (const auto found = sharers.find(layer.device); found != sharers.end())
        layer.shared_by = found->second;
  });
}

}  // namespace cowshed::api
