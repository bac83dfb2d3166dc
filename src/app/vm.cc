// SPDX-License-Identifier: Apache-2.0
#include "app/vm.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "app/app.h"
#include "base/error.h"

namespace cowshed::app {

using pools::Volume;

std::string_view to_string(VmState state) {
  switch (state) {
    case VmState::stopped:
      return "stopped";
    case VmState::running:
      return "running";
    case VmState::partly_running:
      return "partly running";
  }
  return "unknown";
}

std::string label(const Volume& volume) { return fmt::format("volume '{}'", volume.properties().name.str()); }
std::string label(const Vm& vm) { return fmt::format("vm '{}'", vm.name().str()); }

Vm::Vm(App& app, VmName name, VmDefinition definition, bool is_throwaway)
    : app_(app),
      name_(std::move(name)),
      kind_(definition.kind),
      template_name_(std::move(definition.template_name)),
      kernel_(std::move(definition.kernel)),
      is_throwaway_(is_throwaway) {
  for (const auto& volume : definition.volumes) add_volume(volume);
}

namespace {

/// What many VMs snapshot is left alone until its session is committed.
pools::WritePolicy default_write_policy(VmKind kind, const VolumeName& name) {
  static const VolumeName root("root");
  return kind == VmKind::template_ && name == root ? pools::WritePolicy::overlay
                                                   : pools::WritePolicy::in_place;
}

}  // namespace

Volume& Vm::add_volume(const VolumeDefinition& definition) {
  const VolumeName name = definition.properties.name;
  auto volume =
      in_context([&] { return fmt::format("{}: volume '{}'", label(*this), name.str()); },
                 [&] {
                   Volume::SourceResolver resolver;
                   if (definition.properties.snap_on_start)
                     resolver = [this, name] { return source_of(name); };
                   auto properties = definition.properties;
                   properties.default_write_policy = default_write_policy(kind_, name);
                   properties.throwaway = is_throwaway_;
                   return app_.pool(definition.pool).volume(std::move(properties), std::move(resolver));
                 });
  // Who looks for volumes to keep layers ready for is another thread (App::keep_warm).
  const std::lock_guard guard(app_.registry_mutex());
  const auto place = std::find_if(volumes_.begin(), volumes_.end(), [&](const auto& other) {
    return volume_before(name, other->properties().name);
  });
  Volume& added = **volumes_.insert(place, std::move(volume));
  update_list();
  return added;
}

void Vm::drop_volume(const VolumeName& name) {
  const std::lock_guard guard(app_.registry_mutex());
  std::erase_if(volumes_, [&](const auto& volume) { return volume->properties().name == name; });
  update_list();
}

void Vm::set_properties(Volume& volume, pools::VolumeProperties properties) {
  const std::lock_guard guard(app_.registry_mutex());
  volume.set_properties(std::move(properties));
}

void Vm::update_list() {
  volume_list_.clear();
  for (const auto& volume : volumes_) volume_list_.push_back(volume.get());
}

Volume* Vm::find_volume(const VolumeName& name) const {
  const auto found = std::find_if(volume_list_.begin(), volume_list_.end(),
                                  [&](const Volume* volume) { return volume->properties().name == name; });
  return found == volume_list_.end() ? nullptr : *found;
}

Volume& Vm::volume(const VolumeName& name) const {
  if (Volume* found = find_volume(name)) return *found;
  std::vector<std::string_view> there;
  for (const Volume* volume : volume_list_) there.push_back(volume->properties().name.str());
  throw Error(ErrorKind::not_found, fmt::format("{} has no volume '{}'; it has: {}", label(*this), name.str(),
                                                fmt::join(there, ", ")));
}

Vm* Vm::template_vm() {
  if (!template_name_) return nullptr;
  const std::lock_guard guard(app_.registry_mutex());
  if (template_ == nullptr) template_ = &app_.template_of(*this);
  return template_;
}

std::vector<Vm*> Vm::chain() {
  std::vector<Vm*> result;
  std::string path = name_.str();
  for (Vm* vm = template_vm(); vm != nullptr; vm = vm->template_vm()) {
    path += " -> " + vm->name_.str();
    if (vm == this || std::find(result.begin(), result.end(), vm) != result.end())
      throw Error(ErrorKind::invalid_argument, "template cycle: " + path);
    result.push_back(vm);
  }
  return result;
}

Vm& Vm::owner_of(const Volume& source) {
  for (Vm* above : chain())
    if (above->find_volume(source.properties().name) == &source) return *above;
  throw Error(ErrorKind::not_found, fmt::format("{}: volume '{}' has no owner among its templates",
                                                label(*this), source.properties().name.str()));
}

void Vm::set_template(const VmName& name) {
  template_name_ = name;
  app_.forget_references();
}

void Vm::forget_references() {
  template_ = nullptr;
  sources_.clear();
}

Volume* find_saved_volume(Vm& from, const VolumeName& name) {
  const auto saved_in = [&](Vm& vm) -> Volume* {
    Volume* volume = vm.find_volume(name);
    return volume != nullptr && volume->properties().save_on_stop ? volume : nullptr;
  };
  if (Volume* found = saved_in(from)) return found;
  for (Vm* vm : from.chain())
    if (Volume* found = saved_in(*vm)) return found;
  return nullptr;
}

Volume* Vm::source_of(const VolumeName& name) {
  // Called from drivers' threads, too.
  const std::lock_guard guard(app_.registry_mutex());
  if (const auto known = sources_.find(name); known != sources_.end()) return known->second;
  chain();  // a cycle is an error even where the source is found before it closes
  Vm* const above = template_vm();
  Volume* const source = above == nullptr ? nullptr : find_saved_volume(*above, name);
  if (source == nullptr) return nullptr;
  if (const Volume& own = volume(name); &source->pool() != &own.pool())
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: volume '{}' is in pool '{}', but its source in pool '{}'", label(*this),
                            name.str(), own.pool().name().str(), source->pool().name().str()));
  sources_.emplace(name, source);
  return source;
}

bool Vm::is_running() {
  return std::any_of(volume_list_.begin(), volume_list_.end(),
                     [](Volume* volume) { return volume->holds_device() && volume->is_running(); });
}

VmState Vm::state() {
  std::size_t devices = 0;
  std::size_t running = 0;
  for (Volume* volume : volume_list_) {
    if (!volume->holds_device()) continue;
    ++devices;
    if (volume->is_running()) ++running;
  }
  if (running == 0) return VmState::stopped;
  return running == devices ? VmState::running : VmState::partly_running;
}

void Vm::require_stopped() {
  if (is_running())
    throw Error(ErrorKind::running, fmt::format("{} is running; stop it first", label(*this)));
}

std::vector<pools::BlockDevice> Vm::devices() {
  if (!is_running()) throw Error(ErrorKind::not_running, fmt::format("{} is not running", label(*this)));
  std::vector<pools::BlockDevice> result;
  for (Volume* volume : volume_list_)
    if (auto found = device(*volume); found && !found->node.empty()) result.push_back(std::move(*found));
  return result;
}

std::optional<pools::BlockDevice> Vm::device(Volume& volume) {
  auto device = volume.block_device();
  // A plain file has its path from the driver and needs no link.
  if (device && device->path.empty()) device->path = app_.locations().device(name_, device->name);
  return device;
}

VmDefinition Vm::definition() const {
  VmDefinition result{.kind = kind_, .template_name = template_name_, .kernel = kernel_, .volumes = {}};
  for (const Volume* volume : volume_list_)
    result.volumes.push_back({volume->pool().name(), volume->properties()});
  return result;
}

}  // namespace cowshed::app
