// SPDX-License-Identifier: Apache-2.0
#include "api/describe.h"

#include <fmt/core.h>

#include "app/batch.h"

namespace cowshed::api {

namespace {

using pools::Volume;

/// Runs each question; the first that fails leaves its reason.
template <typename Info, typename Question>
void ask(Info& info, Question question) {
  try {
    question();
  } catch (...) {
    if (!info.error) info.error = app::to_error(std::current_exception());
  }
}

/// Says in the error what it is about.
template <typename Info>
void name_error(Info& info, const std::string& about) {
  if (info.error) info.error->add_context(about);
}

std::string name_of_source(app::Vm& vm, const Volume& source) {
  const auto& name = source.properties().name;
  for (const app::Vm* above : vm.chain())
    if (above->find_volume(name) == &source) return fmt::format("{}:{}", above->name().str(), name.str());
  return name.str();
}

/// What the definition says.
VolumeInfo stored_part(const app::Vm& vm, const Volume& volume) {
  const auto& properties = volume.properties();
  VolumeInfo info;
  info.vm = vm.name().str();
  info.name = properties.name.str();
  info.pool = volume.pool().name().str();
  info.vid = properties.vid.str();
  info.kind = to_string(volume.kind());
  info.rw = properties.rw;
  info.snap_on_start = properties.snap_on_start;
  info.save_on_stop = properties.save_on_stop;
  info.keep_changes = properties.keep_changes;
  info.ephemeral = volume.is_ephemeral();
  info.revisions_to_keep = volume.revisions_to_keep();
  info.warm = properties.warm;
  if (properties.write_policy) info.write_policy = to_string(*properties.write_policy);
  info.cow_limit = properties.cow_limit;
  return info;
}

void add_state(VolumeInfo& info, app::Vm& vm, Volume& volume) {
  ask(info, [&] {
    if (info.snap_on_start) info.source = name_of_source(vm, volume.source());
  });
  ask(info, [&] { info.is_running = volume.holds_device() && volume.is_running(); });
  ask(info, [&] { info.size = volume.size(); });
  ask(info, [&] { info.usage = volume.usage(); });
  ask(info, [&] { info.is_dirty = volume.is_dirty(); });
  ask(info, [&] { info.is_outdated = volume.is_outdated(); });
  ask(info, [&] { info.is_commit_pending = volume.is_commit_pending(); });
  ask(info, [&] { info.is_invalid = volume.is_invalid(); });
  ask(info, [&] { info.is_held = volume.is_held(); });
}

LayerInfo to_info(const pools::Layer& layer) {
  LayerInfo info{layer.role, layer.device, layer.node,      layer.file,  layer.generation,
                 layer.size, layer.used,   layer.stands_on, layer.marks, {}};
  return info;
}

std::string_view to_string(pools::DataKind kind) {
  switch (kind) {
    case pools::DataKind::cow:
      return "cow";
    case pools::DataKind::revision:
      return "revision";
    case pools::DataKind::volatile_:
      return "volatile";
    case pools::DataKind::image:
      break;
  }
  return "image";
}

void add_details(VolumeInfo& info, app::Vm& vm, Volume& volume) {
  ask(info, [&] {
    if (auto device = vm.device(volume)) info.device = describe(info.vm, *device);
  });
  ask(info, [&] {
    const auto paths = volume.paths();
    info.path = paths.path;
    info.path_cow = paths.path_cow;
    info.path_source = paths.path_source;
    info.path_source_cow = paths.path_source_cow;
  });
  ask(info, [&] { info.revisions = describe(volume.revisions()); });
  ask(info, [&] {
    for (const auto& layer : volume.layers()) info.layers.push_back(to_info(layer));
  });
  ask(info, [&] {
    for (const auto& file : volume.stored_files())
      info.files.push_back({std::string(to_string(file.kind)), file.path, file.allocated});
  });
}

void add_kernel(VmInfo& info, const app::Vm& vm) {
  if (!vm.kernel()) return;
  info.kernel = KernelInfo{vm.kernel()->str(), "", ""};
  for (Volume* volume : vm.volumes())
    if (const auto files = volume->kernel_files()) {
      info.kernel->vmlinuz = files->vmlinuz;
      info.kernel->initramfs = files->initramfs;
    }
}

}  // namespace

Device describe(const std::string& vm, const pools::BlockDevice& device) {
  return {vm, device.name, device.path, device.node, device.major, device.minor, device.rw};
}

std::vector<Device> describe(const std::string& vm, const std::vector<pools::BlockDevice>& devices) {
  std::vector<Device> result;
  result.reserve(devices.size());
  for (const auto& device : devices) result.push_back(describe(vm, device));
  return result;
}

VolumeInfo describe(app::Vm& vm, Volume& volume, Detail detail) {
  VolumeInfo info = stored_part(vm, volume);
  add_state(info, vm, volume);
  if (detail == Detail::full) add_details(info, vm, volume);
  name_error(info, fmt::format("{}: {}", app::label(vm), app::label(volume)));
  return info;
}

VmInfo describe(app::Vm& vm, Detail detail) {
  VmInfo info;
  info.name = vm.name().str();
  info.kind = to_string(vm.kind());
  info.is_throwaway = vm.is_throwaway();
  if (vm.template_name()) info.template_name = vm.template_name()->str();
  if (vm.kernel()) info.kernel_name = vm.kernel()->str();
  info.state = "unknown";
  ask(info, [&] { vm.chain(); });
  ask(info, [&] {
    info.state = in_context([&] { return app::label(vm); }, [&] { return to_string(vm.state()); });
  });
  if (detail == Detail::brief) return info;
  ask(info, [&] { add_kernel(info, vm); });
  for (Volume* volume : vm.volumes()) info.volumes.push_back(describe(vm, *volume, detail));
  return info;
}

VmInfo describe(const app::ListedVm& listed, Detail detail) {
  if (listed.vm != nullptr) return describe(*listed.vm, detail);
  VmInfo info;
  info.name = listed.name.str();
  info.state = "unknown";
  info.error = listed.error;
  return info;
}

std::vector<Error> errors_of(const VmInfo& vm) {
  std::vector<Error> result;
  for (const auto& volume : vm.volumes)
    if (volume.error) result.push_back(*volume.error);
  if (result.empty() && vm.error) result.push_back(*vm.error);
  return result;
}

DriverInfo describe(const pools::Driver& driver) {
  DriverInfo info{driver.name, driver.help, {}, {}};
  for (const auto& parameter : driver.parameters)
    info.parameters.push_back({parameter.name, std::string(to_string(parameter.type)),
                               parameter.default_value, parameter.help, parameter.required});
  for (const auto capability : driver.capabilities) info.capabilities.emplace_back(to_string(capability));
  return info;
}

std::vector<RevisionInfo> describe(const std::vector<pools::Revision>& revisions) {
  std::vector<RevisionInfo> result;
  result.reserve(revisions.size());
  for (const auto& revision : revisions) result.push_back({revision.id, revision.created});
  return result;
}

VmResult describe(const app::VmOutcome& outcome) {
  VmResult result{outcome.vm.str(), describe(outcome.vm.str(), outcome.devices), outcome.error};
  for (const auto& volume : outcome.committed) result.committed.push_back(volume.str());
  return result;
}

}  // namespace cowshed::api
