// SPDX-License-Identifier: Apache-2.0
#include "app/vm_settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "app/new_volumes.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

const VolumeName kernel_volume("kernel");

Error refusal(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }

void require_all_stopped(Vm& vm) {
  vm.require_stopped();
  for (Vm* other : vm.app().all_vms("whether a VM that has it as template runs"))
    if (other->template_name() == vm.name()) other->require_stopped();
}

/// What a VM that stands on `vm` would begin its volume from, were `vm` like `trial`. Nothing where it does
/// not come to that.
pools::Volume* find_source_through(Vm& other, const Vm& vm, Vm& trial, const VolumeName& name) {
  for (Vm* above : other.chain()) {
    if (above == &vm) return find_saved_volume(trial, name);
    if (pools::Volume* own = above->find_volume(name); own != nullptr && own->properties().save_on_stop)
      return own;
  }
  return nullptr;
}

/// Those that stand on it keep a source, in their own pool.
void check_below(Vm& vm, Vm& trial) {
  for (Vm* other : vm.app().all_vms("which VMs stand on it")) {
    const auto chain = other->chain();
    if (std::ranges::find(chain, &vm) == chain.end()) continue;
    for (const auto* volume : other->volumes()) {
      if (!volume->properties().snap_on_start) continue;
      const auto* source = find_source_through(*other, vm, trial, volume->properties().name);
      if (source == nullptr || &source->pool() != &volume->pool())
        throw refusal(fmt::format("{} of {} would have no source in its pool '{}'", label(*volume),
                                  label(*other), volume->pool().name().str()));
    }
  }
}

/// The definition as it will be, tried on an object of its own before anything is changed.
void check(Vm& vm, VmDefinition definition) {
  Vm trial(vm.app(), vm.name(), std::move(definition), false);
  for (Vm* above : trial.chain())
    if (above == &vm) throw refusal(fmt::format("{} would be its own template", label(vm)));
  for (const auto* volume : trial.volumes())
    if (volume->properties().snap_on_start) static_cast<void>(volume->source());
  check_below(vm, trial);
}

/// Replaces the object by one of the new definition.
void replace(Vm& vm, VmDefinition definition) {
  App& app = vm.app();
  auto changed = std::make_unique<Vm>(app, vm.name(), std::move(definition), false);
  app.save(*changed);
  app.forget_references();
  app.adopt(std::move(changed));
}

void set_template(Vm& vm, const std::string& value) {
  if (!has_template(vm.kind()))
    throw refusal(fmt::format("a VM of kind {} has no template", to_string(vm.kind())));
  const VmName name(value);
  const Vm& above = vm.app().vm(name);
  const bool fits = above.kind() == VmKind::template_
                        ? vm.kind() == VmKind::app
                        : above.kind() == VmKind::app && vm.kind() == VmKind::disposable;
  if (!fits) throw refusal(fmt::format("{} is of kind {}", label(above), to_string(above.kind())));
  auto definition = vm.definition();
  definition.template_name = name;
  check(vm, definition);
  replace(vm, std::move(definition));
}

void set_kernel(Vm& vm, const std::string& value) {
  auto definition = vm.definition();
  definition.kernel = KernelName(value);
  std::erase_if(definition.volumes, [](const auto& v) { return v.properties.name == kernel_volume; });
  const pools::VolumeOwner owner{vm.name(), vm.kind() == VmKind::template_, definition.kernel};
  pools::VolumeProperties properties{.name = kernel_volume, .vid = Vid("none"), .size = {}, .rw = false};
  const pools::Volume* before = vm.find_volume(kernel_volume);
  definition.volumes.push_back(
      place_volume(vm.app(), owner, nullptr, properties,
                   before != nullptr ? std::optional(before->pool().name()) : std::nullopt, std::nullopt));
  Vm trial(vm.app(), vm.name(), definition, false);
  trial.volume(kernel_volume).verify();
  replace(vm, std::move(definition));
}

}  // namespace

void set_vm(Vm& vm, std::string_view key, const std::string& value) {
  in_context([what = fmt::format("set vm '{}'", vm.name().str())] { return what; },
             [&] {
               if (vm.is_throwaway()) throw refusal("a throw-away VM cannot be changed");
               if (key != "template" && key != "kernel")
                 throw refusal(fmt::format("unknown key '{}'; there are template, kernel", key));
               require_all_stopped(vm);
               vm.app().require_unpinned(vm.name());
               key == "template" ? set_template(vm, value) : set_kernel(vm, value);
             });
}

}  // namespace cowshed::app
