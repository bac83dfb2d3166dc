// SPDX-License-Identifier: Apache-2.0
#include "app/volume_admin.h"

#include <fmt/core.h>

#include <algorithm>

#include "app/new_volumes.h"
#include "app/pending.h"
#include "app/remove_vm.h"
#include "app/volume_properties.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

using pools::Volume;

constexpr int snapshots_off = -1;

std::string context(std::string_view what, const Vm& vm, const VolumeName& name) {
  return fmt::format("{} volume '{}:{}'", what, vm.name().str(), name.str());
}

/// A throw-away VM has no stored definition to change.
void require_changeable(Vm& vm) {
  if (vm.is_throwaway())
    throw Error(ErrorKind::invalid_argument, "the volumes of a throw-away VM cannot be changed");
  vm.require_stopped();
}

VmDefinition only(const Vm& vm, const VolumeDefinition& volume) {
  VmDefinition result = vm.definition();
  result.volumes = {volume};
  return result;
}

/// Those with a snapshot of that name that stand on `vm`.
std::vector<Vm*> snapshots_below(Vm& vm, const VolumeName& name) {
  std::vector<Vm*> found;
  for (Vm* other : vm.app().all_vms("which VMs would begin from it")) {
    const Volume* volume = other->find_volume(name);
    if (volume == nullptr || !volume->properties().snap_on_start) continue;
    const auto chain = other->chain();
    if (std::ranges::find(chain, &vm) != chain.end()) found.push_back(other);
  }
  return found;
}

/// Those have a source further up, perhaps in another pool, and may be running on it.
void refuse_to_come_between(Vm& vm, const pools::VolumeProperties& added) {
  if (!added.save_on_stop) return;
  if (const auto users = snapshots_below(vm, added.name); !users.empty())
    throw Error(
        ErrorKind::in_use,
        fmt::format("it would become the source of a volume of {}, in place of another", names_of(users)));
}

Volume& create(Vm& vm, NewVolume wanted, const pools::CreateOptions& content) {
  App& app = vm.app();
  require_changeable(vm);
  const VolumeName name = wanted.properties.name;
  if (vm.find_volume(name) != nullptr) throw Error(ErrorKind::exists, "the vm has a volume of that name");
  const pools::VolumeOwner owner{vm.name(), vm.kind() == VmKind::template_, vm.kernel()};
  const auto definition =
      place_volume(app, owner, vm.template_vm(), std::move(wanted.properties), wanted.pool, wanted.size);
  refuse_to_come_between(vm, definition.properties);
  begin_pending(app, vm.name(), only(vm, definition));
  Undo forget_intent([&] { end_pending(app, vm.name()); });
  Volume& volume = vm.add_volume(definition);
  Undo drop([&] { vm.drop_volume(name); });
  Turn::with_vms_only([&] { create_data({&volume}, [&](const Volume&) { return content; }); });
  Undo remove([&] { remove_data({&volume}); });
  app.save(vm);
  app.forget_references();
  remove.release();
  drop.release();
  return volume;
}

void remove(Vm& vm, Volume& volume) {
  App& app = vm.app();
  require_changeable(vm);
  if (const auto users = users_of(vm, volume); !users.empty())
    throw Error(ErrorKind::in_use, fmt::format("it is the source of a volume of {}", names_of(users)));
  app.require_unpinned(vm.name());
  volume.check_remove();
  const VolumeDefinition definition{volume.pool().name(), volume.properties()};
  begin_pending(app, vm.name(), only(vm, definition));
  auto rest = vm.definition();
  std::erase_if(rest.volumes, [&](const auto& v) { return v.properties.name == definition.properties.name; });
  Undo finish_later([&] { app.leave_unclean(); });
  replace_file(app.locations().vm(vm.name()), encode(rest));
  remove_data({&volume});
  end_pending(app, vm.name());
  finish_later.release();
  vm.drop_volume(definition.properties.name);
  app.forget_references();
}

bool switches_snapshots(const pools::VolumeProperties& before, const pools::VolumeProperties& after) {
  return (before.revisions_to_keep == snapshots_off) != (after.revisions_to_keep == snapshots_off);
}

void set(Vm& vm, Volume& volume, std::string_view key, std::string_view value) {
  const auto before = volume.properties();
  auto after = before;
  set_property(after, key, value);
  if (vm.is_throwaway())
    throw Error(ErrorKind::invalid_argument, "the volumes of a throw-away VM cannot be changed");
  check_warm(after, vm.kind() == VmKind::template_);
  if (switches_snapshots(before, after)) {
    vm.require_stopped();
    for (Vm* user : users_of(vm, volume)) user->require_stopped();
  }
  if (key == "rw" || key == "ephemeral" || key == "write_policy" || key == "keep_changes")
    vm.require_stopped();
  vm.app().require_unpinned(vm.name());
  vm.set_properties(volume, after);
  Undo restore([&] { vm.set_properties(volume, before); });
  vm.app().save(vm);
  restore.release();
}

}  // namespace

Volume& create_volume(Vm& vm, NewVolume wanted, const pools::CreateOptions& content) {
  return in_context([what = context("create", vm, wanted.properties.name)] { return what; },
                    [&]() -> Volume& { return create(vm, std::move(wanted), content); });
}

void remove_volume(Vm& vm, const VolumeName& name) {
  in_context([&] { return context("remove", vm, name); }, [&] { remove(vm, vm.volume(name)); });
}

void set_volume_property(Vm& vm, Volume& volume, std::string_view key, std::string_view value) {
  in_context([&] { return context("set", vm, volume.properties().name); },
             [&] { set(vm, volume, key, value); });
}

}  // namespace cowshed::app
