// SPDX-License-Identifier: Apache-2.0
#include "app/remove_vm.h"

#include <fmt/core.h>

#include "app/links.h"
#include "app/pending.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

void refuse_if_template(Vm& vm) {
  std::vector<Vm*> users;
  for (Vm* other : vm.app().all_vms("whether another VM has it as template"))
    if (other->template_name() == vm.name()) users.push_back(other);
  if (!users.empty())
    throw Error(ErrorKind::in_use, fmt::format("it is the template of {}", names_of(users)));
}

}  // namespace

std::string names_of(const std::vector<Vm*>& vms) {
  std::string result;
  for (const Vm* vm : vms) result += fmt::format("{}'{}'", result.empty() ? "" : ", ", vm->name().str());
  return result;
}

std::vector<Vm*> users_of(Vm& vm, const pools::Volume& volume) {
  std::vector<Vm*> users;
  for (Vm* other : vm.app().all_vms("which VMs have a snapshot of it")) {
    const pools::Volume* snapshot = other->find_volume(volume.properties().name);
    if (snapshot != nullptr && snapshot->properties().snap_on_start && &snapshot->source() == &volume)
      users.push_back(other);
  }
  return users;
}

void remove_vm(Vm& vm) {
  App& app = vm.app();
  const Locations& locations = app.locations();
  const VmName name = vm.name();
  in_context([&] { return fmt::format("remove vm '{}'", name.str()); },
             [&] {
               vm.require_stopped();
               app.require_unpinned(name);
               refuse_if_template(vm);
               if (vm.is_throwaway()) return remove_throwaway(vm);
               for (pools::Volume* volume : vm.volumes()) volume->check_remove();
               Undo finish_later([&] { app.leave_unclean(); });
               rename_durably(locations.vm(name), locations.pending(name));
               remove_data(vm.volumes());
               end_pending(app, name);
               finish_later.release();
               withdraw_links(locations, name);
               app.forget(name);
             });
}

void remove_throwaway(Vm& vm) {
  App& app = vm.app();
  // A copy: the object goes before it is used for the last time.
  const VmName name = vm.name();  // NOLINT(performance-unnecessary-copy-initialization)
  Undo finish_later([&] { app.leave_unclean(); });
  remove_data(vm.volumes());
  // In this order: recovery finds it by what is pending.
  unlink_if_exists(app.locations().throwaway(name));
  end_pending(app, name);
  finish_later.release();
  app.forget(name);
}

}  // namespace cowshed::app
