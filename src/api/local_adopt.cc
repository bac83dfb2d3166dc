// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/local.h"
#include "app/adopt_vms.h"

namespace cowshed::api {

namespace {

app::AdoptWishes to_wishes(const VmAdopt& request) {
  app::AdoptWishes wishes{.dry_run = request.dry_run};
  for (const auto& [vm, above] : request.templates) wishes.templates.emplace(VmName(vm), VmName(above));
  if (request.template_for_all) wishes.template_for_all = VmName(*request.template_for_all);
  if (request.kernel) wishes.kernel = KernelName(*request.kernel);
  return wishes;
}

VmAdopt::Volume describe(const app::AdoptedVolume& volume) {
  VmAdopt::Volume result{volume.name.str(),
                         std::string(to_string(volume.kind)),
                         volume.vid.str(),
                         volume.size,
                         volume.is_dirty,
                         volume.revisions,
                         {}};
  for (const auto& [name, is] : volume.files) result.files.push_back({name, is});
  return result;
}

VmAdopt::Vm describe(const app::AdoptedVm& vm) {
  VmAdopt::Vm result{
      vm.name.str(), std::string(to_string(vm.kind)), vm.directory, std::nullopt, vm.existed, {}};
  if (vm.template_name) result.template_name = vm.template_name->str();
  for (const auto& volume : vm.volumes) result.volumes.push_back(describe(volume));
  return result;
}

VmAdopt::Answer describe(const app::Adoption& adoption, bool dry_run) {
  VmAdopt::Answer answer{dry_run, adoption.pool.str(), {}, {}};
  for (const auto& vm : adoption.vms) answer.vms.push_back(describe(vm));
  for (const Path& path : adoption.left_alone) answer.left_alone.push_back(path);
  return answer;
}

}  // namespace

VmAdopt::Answer Local::call(const VmAdopt& request) {
  const auto wishes = to_wishes(request);
  if (request.dry_run) return describe(app::adopt_vms(*reading(), request.directory, wishes), true);
  const auto turn = alone();
  return describe(app::adopt_vms(writing(), request.directory, wishes), false);
}

}  // namespace cowshed::api
