// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "api/describe.h"
#include "api/given_image.h"
#include "api/local.h"
#include "api/to_watch.h"
#include "api/volume_ref.h"
#include "app/new_volumes.h"
#include "app/progress.h"
#include "app/volume_admin.h"
#include "app/volume_content.h"
#include "app/volume_properties.h"

namespace cowshed::api {

namespace {

/// A volume with its VM.
struct Found {
  app::Vm& vm;
  pools::Volume& volume;
};

Found find(app::App& app, const VolumeRef& ref) {
  app::Vm& vm = app.vm(ref.vm);
  return {vm, vm.volume(ref.volume)};
}

/// The VM and those above it: one of them has the source of its volumes.
std::vector<VmName> with_templates(app::App& app, const VmName& name) {
  std::vector<VmName> names{name};
  const app::Turn turn(app.turns(), app::Turn::Definitions::shared, {});
  for (const app::Vm* above : app.vm(name).chain()) names.push_back(above->name());
  return names;
}

bool is_given(const VolumeCreate& request, std::string_view key) {
  return std::any_of(request.properties.begin(), request.properties.end(),
                     [&](const auto& property) { return property.first == key; });
}

/// Saved at stop, unless it begins from a snapshot or something else was said.
app::NewVolume to_new_volume(const VolumeCreate& request, const VolumeName& name) {
  app::NewVolume wanted{.properties = {.name = name, .vid = Vid("none")}};
  for (const auto& [key, value] : request.properties) app::set_new_property(wanted.properties, key, value);
  if (!is_given(request, "save_on_stop")) wanted.properties.save_on_stop = !wanted.properties.snap_on_start;
  if (request.pool) wanted.pool = PoolName(*request.pool);
  if (request.size)
    wanted.size = parse_volume_size(*request.size);
  else if (!wanted.properties.snap_on_start && !app::default_size(name))
    throw Error(ErrorKind::invalid_argument, "--size is missing");
  return wanted;
}

}  // namespace

VolumeList::Answer Local::call(const VolumeList& request) {
  const auto app = reading();
  VolumeList::Answer answer;
  const auto add = [&](app::Vm& vm) {
    for (auto* volume : vm.volumes())
      if (!request.pool || volume->pool().name().str() == *request.pool)
        answer.push_back(describe(vm, *volume, Detail::brief));
  };
  if (request.pool) app->pool(PoolName(*request.pool));
  if (request.vm) {
    add(app->vm(VmName(*request.vm)));
    return answer;
  }
  for (const auto& listed : app->vms()) {
    if (listed.vm != nullptr) {
      add(*listed.vm);
      continue;
    }
    VolumeInfo broken;
    broken.vm = listed.name.str();
    broken.error = listed.error;
    answer.push_back(std::move(broken));
  }
  return answer;
}

VolumeInfoRequest::Answer Local::call(const VolumeInfoRequest& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto app = reading();
  const auto [vm, volume] = find(*app, ref);
  return describe(vm, volume, Detail::full);
}

VolumeCreate::Answer Local::call(const VolumeCreate& request) {
  const auto ref = parse_volume_ref(request.volume);
  auto wanted = in_context([&] { return fmt::format("create volume '{}'", request.volume); },
                           [&] { return to_new_volume(request, ref.volume); });
  const auto turn = alone({ref.vm});
  app::create_volume(writing().vm(ref.vm), std::move(wanted));
  return {};
}

VolumeRemove::Answer Local::call(const VolumeRemove& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto turn = alone({ref.vm});
  app::remove_volume(writing().vm(ref.vm), ref.volume);
  return {};
}

VolumeSet::Answer Local::call(const VolumeSet& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto turn = alone({ref.vm});
  const auto [vm, volume] = find(writing(), ref);
  app::set_volume_property(vm, volume, request.key, request.value);
  return {};
}

VolumeVerify::Answer Local::call(const VolumeVerify& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto app = reading();
  in_context([&] { return fmt::format("verify '{}'", request.volume); },
             [&] { find(*app, ref).volume.verify(); });
  return {};
}

VolumeRevisions::Answer Local::call(const VolumeRevisions& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto app = reading();
  return describe(find(*app, ref).volume.revisions());
}

VolumeResize::Answer Local::call(const VolumeResize& request) {
  const Bytes size = parse_volume_size(request.size);
  const auto ref = parse_volume_ref(request.volume);
  const auto turn = beside({ref.vm});
  const auto [vm, volume] = find(writing(), ref);
  app::resize(vm, volume, size, request.shrink, to_watch(request.progress));
  return {};
}

VolumeImport::Answer Local::call(const VolumeImport& request) {
  const auto ref = parse_volume_ref(request.volume);
  if (request.from && request.format)
    throw Error(ErrorKind::invalid_argument, "a format is for a file; another volume has none");
  const auto image = to_given_image(request.file.value_or(""), request.format);
  const Fd input = request.from ? Fd() : app::wait_for_input(image.file);
  app::App& app = writing();
  const auto turn = beside({ref.vm});
  const auto [vm, volume] = find(app, ref);
  if (request.from) {
    const auto from_ref = parse_volume_ref(*request.from);
    const auto from = find(app, from_ref);
    const auto pinned = app.pin(from_ref.vm);
    app::import_volume(vm, volume, from.volume, to_watch(request.progress));
  } else {
    app::import_file(vm, volume, image, to_watch(request.progress));
  }
  return {};
}

VolumeExport::Answer Local::call(const VolumeExport& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto turn = beside({ref.vm});
  const auto [vm, volume] = find(writing(), ref);
  app::export_file(vm, volume, request.file, to_watch(request.progress));
  return {};
}

VolumeClone::Answer Local::call(const VolumeClone& request) {
  const auto ref = parse_volume_ref(request.volume), from_ref = parse_volume_ref(request.from);
  app::App& app = writing();
  const auto turn = alone({ref.vm});
  const auto from = find(app, from_ref);
  const auto pinned = from_ref.vm == ref.vm ? nullptr : app.pin(from_ref.vm);
  app::NewVolume wanted{.properties = {.name = ref.volume, .vid = Vid("none")}};
  wanted.properties.save_on_stop = true;
  if (request.pool) wanted.pool = PoolName(*request.pool);
  wanted.size = from.volume.size();
  app::create_volume(app.vm(ref.vm), std::move(wanted),
                     {.from = &from.volume, .progress = app::interruptible(to_watch(request.progress))});
  return {};
}

VolumeRevert::Answer Local::call(const VolumeRevert& request) {
  const auto ref = parse_volume_ref(request.volume);
  const auto turn = beside({ref.vm});
  const auto [vm, volume] = find(writing(), ref);
  app::revert(vm, volume, request.revision, to_watch(request.progress));
  return {};
}

VolumePromote::Answer Local::call(const VolumePromote& request) {
  const auto ref = parse_volume_ref(request.volume);
  app::App& app = writing();
  const auto turn = beside(with_templates(app, ref.vm));
  const auto [vm, volume] = find(app, ref);
  app::promote(vm, volume, to_watch(request.progress));
  return {};
}

}  // namespace cowshed::api
