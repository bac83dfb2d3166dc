// SPDX-License-Identifier: Apache-2.0
#include "fleet.h"

#include <fmt/core.h>

#include <fstream>
#include <optional>
#include <utility>

#include "app/definition.h"

namespace bench {

using namespace cowshed;

Fleet::Fleet(const std::string& name, const Place& place)
    : image_(place.image),
      slots_(place.slots),
      locations_(app::Locations::find(place.directory + "/state", "/run/" + name)) {}

std::string Fleet::vm(int slot) { return slot == holder ? "holder" : fmt::format("work{}", slot); }

std::vector<std::string> Fleet::vms(int first, int count) {
  std::vector<std::string> names;
  for (int slot = first; slot < first + count; ++slot) names.push_back(vm(slot));
  return names;
}

void Fleet::create(api::Api& api) const {
  api::VmCreate request;
  request.vm = template_name;
  request.root_image = image_;
  api.call(request);
  const PoolName pool(api.call(api::VolumeInfoRequest{template_root}).pool);
  for (int slot = holder; slot < slots_; ++slot) define(slot, pool);
}

/// Not synced, unlike everything that is to last.
void Fleet::define(int slot, const PoolName& pool) const {
  const VmName name(vm(slot));
  const app::VolumeDefinition root{.pool = pool,
                                   .properties = {.name = VolumeName("root"),
                                                  .vid = Vid("appvms/" + name.str() + "/root"),
                                                  .size = {},
                                                  .snap_on_start = true}};
  const app::VmDefinition definition{.kind = app::VmKind::app,
                                     .template_name = VmName(template_name),
                                     .kernel = std::nullopt,
                                     .volumes = {root}};
  std::ofstream(locations_.vm(name)) << app::encode(definition);
}

std::vector<std::string> start_vms(api::Api& api, std::vector<std::string> names) {
  std::vector<std::string> devices;
  for (const auto& result : api.call(api::VmStart{std::move(names)})) {
    if (result.error) throw *result.error;
    devices.push_back(result.devices.at(0).node);
  }
  return devices;
}

void stop_vms(api::Api& api, std::vector<std::string> names) {
  api::VmStop request;
  request.vms = std::move(names);
  for (const auto& result : api.call(request))
    if (result.error) throw *result.error;
}

}  // namespace bench
