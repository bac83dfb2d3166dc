// SPDX-License-Identifier: Apache-2.0
#include "app/create_vm.h"

#include <fmt/core.h>

#include <algorithm>

#include "app/interruption.h"
#include "app/pending.h"
#include "app/progress.h"
#include "base/undo.h"
#include "pools/qemu_img.h"

namespace cowshed::app {

namespace {

const VolumeName root("root");

Error refusal(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }

/// An app VM stands on a template; a stored disposable on an app VM; a throw-away one on either.
void check_template_kind(const NewVm& wanted, const Vm& above, bool is_throwaway) {
  const bool fits = wanted.kind == VmKind::app
                        ? above.kind() == VmKind::template_
                        : above.kind() == VmKind::app || (is_throwaway && above.kind() == VmKind::template_);
  if (fits) return;
  const char* wants = wanted.kind == VmKind::app ? "an app VM needs a template"
                      : is_throwaway             ? "a throw-away VM needs an app VM or a template"
                                                 : "a stored disposable needs an app VM";
  throw refusal(fmt::format("{} is of kind {}; {}", label(above), to_string(above.kind()), wants));
}

Vm* find_template(App& app, const NewVm& wanted, bool is_throwaway) {
  if (!has_template(wanted.kind)) return nullptr;
  if (!wanted.template_name) throw refusal("this kind of VM needs a template");
  Vm& above = app.vm(*wanted.template_name);
  check_template_kind(wanted, above, is_throwaway);
  above.chain();
  return &above;
}

/// Of the disk in the image.
Bytes disk_size(const pools::GivenImage& image) {
  const auto found = stat_if_exists(image.file);
  if (!found) throw Error(ErrorKind::not_found, fmt::format("'{}' does not exist", image.file.native()));
  if (found->size.count == 0) throw refusal(fmt::format("'{}' is empty", image.file.native()));
  const auto format = pools::format_of(image);
  return format == pools::ImageFormat::raw ? found->size : pools::ForeignImage(image.file, format).size();
}

/// Checks the image before anything is created; its size is the root volume's unless another was wished.
void consider_image(NewVm& wanted) {
  if (!wanted.root_image) return;
  if (has_template(wanted.kind))
    throw refusal("a root image is for templates and standalone VMs; this root is a snapshot");
  const Bytes disk = in_context([] { return "root image"; }, [&] { return disk_size(*wanted.root_image); });
  constexpr auto sector = Sectors::bytes_each;
  const Bytes rounded{(disk.count + sector - 1) / sector * sector};
  const auto [size, is_new] = wanted.volumes.sizes.emplace(root, rounded);
  if (!is_new && size->second < disk)
    throw refusal(fmt::format("root image '{}' has {} bytes, more than the volume's size {}",
                              wanted.root_image->file.native(), disk.count, size->second.count));
}

VmDefinition plan(App& app, const NewVm& wanted, Vm* above) {
  VmDefinition definition{
      .kind = wanted.kind, .template_name = wanted.template_name, .kernel = wanted.kernel, .volumes = {}};
  if (!definition.kernel && above != nullptr) definition.kernel = above->kernel();
  const pools::VolumeOwner owner{wanted.name, wanted.kind == VmKind::template_, definition.kernel};
  definition.volumes = plan_volumes(app, owner, wanted.kind, above, wanted.volumes);
  return definition;
}

void decide_throwaway(const Locations& locations, const Vm& vm) {
  const Path definition = locations.throwaway(vm.name());
  make_directories(locations.throwaways());
  Undo undo([&] { unlink_if_exists(definition); });
  replace_file(definition, encode(vm.definition()));
  undo.release();
}

/// From here on the VM is there.
void decide(App& app, const Vm& vm) {
  const Locations& locations = app.locations();
  if (vm.is_throwaway()) return decide_throwaway(locations, vm);
  const Path definition = locations.vm(vm.name()), pending = locations.pending(vm.name());
  Undo undo([&] {
    if (path_exists(definition)) rename_durably(definition, pending);
  });
  rename_durably(pending, definition);
  undo.release();
}

/// What recovery finds the data of a VM by that was cut off; a stored one's becomes its definition.
bool needs_record(const Vm& vm) {
  return !vm.is_throwaway() ||
         std::ranges::any_of(vm.volumes(), [](const auto* volume) { return volume->leaves_files(); });
}

Vm& create(App& app, const VmName& name, VmDefinition definition, const ContentOf& content,
           bool is_throwaway) {
  if (app.exists_vm(name)) throw Error(ErrorKind::exists, "a vm of that name exists already");
  auto vm = std::make_unique<Vm>(app, name, std::move(definition), is_throwaway);
  app.initialise();
  refuse_unfinished(app, name);
  const bool is_recorded = needs_record(*vm);
  if (is_recorded) begin_pending(app, name, vm->definition());
  Undo forget_intent([&] {
    if (is_recorded) end_pending(app, name);
  });
  const auto above = vm->template_name() ? app.pin(*vm->template_name()) : nullptr;
  Turn::with_vms_only([&] { create_data(vm->volumes(), content); });
  Undo remove([&] { remove_data(vm->volumes()); });
  decide(app, *vm);
  remove.release();
  forget_intent.release();
  return app.adopt(std::move(vm));
}

Vm& create(App& app, NewVm wanted, bool is_throwaway) {
  if (app.exists_vm(wanted.name)) throw Error(ErrorKind::exists, "a vm of that name exists already");
  Vm* const above = find_template(app, wanted, is_throwaway);
  consider_image(wanted);
  const auto content = [&](const pools::Volume& volume) -> pools::CreateOptions {
    if (!wanted.root_image || volume.properties().name != root) return {};
    return {.image = wanted.root_image, .progress = interruptible(wanted.progress)};
  };
  return create(app, wanted.name, plan(app, wanted, above), content, is_throwaway);
}

/// The same volumes in the same pools.
VmDefinition copy_of(const Vm& from, const VmName& name) {
  VmDefinition definition = from.definition();
  const pools::VolumeOwner owner{name, from.kind() == VmKind::template_, from.kernel()};
  for (auto& volume : definition.volumes) {
    pools::Volume& same = from.volume(volume.properties.name);
    volume.properties.vid = same.pool().make_vid(owner, volume.properties.name);
    if (same.kind() == pools::VolumeKind::origin) volume.properties.size = same.size();
  }
  return definition;
}

Vm& clone(Vm& from, const VmName& name, pools::ProgressWatch progress) {
  if (from.is_throwaway()) throw refusal("a throw-away VM cannot be cloned");
  JointProgress joint(interruptible(std::move(progress)));
  const auto pinned = from.app().pin(from.name());
  const auto content = [&](const pools::Volume& volume) -> pools::CreateOptions {
    if (volume.kind() != pools::VolumeKind::origin) return {};
    return {.from = &from.volume(volume.properties().name), .progress = joint.part()};
  };
  return create(from.app(), name, copy_of(from, name), content, false);
}

std::string context(const NewVm& wanted) { return fmt::format("create vm '{}'", wanted.name.str()); }

}  // namespace

Vm& create_vm(App& app, NewVm wanted) {
  return in_context([what = context(wanted)] { return what; },
                    [&]() -> Vm& { return create(app, std::move(wanted), false); });
}

Vm& clone_vm(Vm& from, const VmName& name, pools::ProgressWatch progress) {
  return in_context([&] { return fmt::format("clone vm '{}' as '{}'", from.name().str(), name.str()); },
                    [&]() -> Vm& { return clone(from, name, std::move(progress)); });
}

Vm& create_throwaway(App& app, Vm& above, std::optional<VmName> name) {
  NewVm wanted{
      .name = name ? *name : app.free_name(), .kind = VmKind::disposable, .template_name = above.name()};
  return in_context([what = context(wanted)] { return what; },
                    [&]() -> Vm& { return create(app, std::move(wanted), true); });
}

}  // namespace cowshed::app
