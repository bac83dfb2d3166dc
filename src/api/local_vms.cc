// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "api/describe.h"
#include "api/given_image.h"
#include "api/local.h"
#include "api/node_access.h"
#include "api/to_watch.h"
#include "api/volume_ref.h"
#include "app/batch.h"
#include "app/create_vm.h"
#include "app/remove_vm.h"
#include "app/vm_settings.h"

namespace cowshed::api {

namespace {

template <typename Value, typename Make>
std::map<VolumeName, Value> by_volume(const std::map<std::string, std::string>& texts, Make make) {
  std::map<VolumeName, Value> result;
  for (const auto& [volume, text] : texts) result.emplace(VolumeName(volume), make(text));
  return result;
}

template <typename Name>
std::optional<Name> optional_name(const std::optional<std::string>& text) {
  return text ? std::optional<Name>(Name(*text)) : std::nullopt;
}

app::NewVm to_new_vm(const VmCreate& request) {
  if (int{request.standalone} + int{request.template_name.has_value()} +
          int{request.disposable_of.has_value()} >
      1)
    throw Error(ErrorKind::invalid_argument, "standalone, template and disposable-of exclude each other");
  app::NewVm wanted{.name = VmName(request.vm)};
  if (request.standalone) wanted.kind = app::VmKind::standalone;
  if (request.template_name) wanted.kind = app::VmKind::app;
  if (request.disposable_of) wanted.kind = app::VmKind::disposable;
  wanted.template_name =
      optional_name<VmName>(request.disposable_of ? request.disposable_of : request.template_name);
  wanted.kernel = optional_name<KernelName>(request.kernel);
  wanted.volumes.pool = optional_name<PoolName>(request.pool);
  wanted.volumes.pools = by_volume<PoolName>(request.pools, [](const auto& text) { return PoolName(text); });
  wanted.volumes.sizes = by_volume<Bytes>(request.sizes, parse_volume_size);
  if (request.format && !request.root_image)
    throw Error(ErrorKind::invalid_argument, "a format is for a root image; there is none");
  if (request.root_image) wanted.root_image = to_given_image(*request.root_image, request.format);
  wanted.progress = to_watch(request.progress);
  return wanted;
}

/// Those that can be the name of a VM.
std::vector<VmName> names_of(const std::vector<std::string>& texts) {
  std::vector<VmName> names;
  for (const auto& text : texts) {
    try {
      names.emplace_back(text);
    } catch (const Error&) {
      // The result of that VM says so.
    }
  }
  return names;
}

/// The VMs of a batch; those that cannot be found are results already. One named twice counts once.
class Selection {
 public:
  Selection(app::App& app, const std::vector<std::string>& names, std::string_view what) {
    for (const auto& name : names) add(app, name, what);
  }

  [[nodiscard]] const std::vector<app::Vm*>& vms() const { return vms_; }

  /// In the order in which they were named.
  std::vector<VmResult> merge(const std::vector<app::VmOutcome>& outcomes) {
    for (const auto& outcome : outcomes)
      for (auto& result : results_)
        if (result.vm == outcome.vm.str()) result = describe(outcome);
    return std::move(results_);
  }

 private:
  void add(app::App& app, const std::string& name, std::string_view what) {
    if (std::any_of(results_.begin(), results_.end(), [&](const auto& known) { return known.vm == name; }))
      return;
    auto& result = results_.emplace_back(VmResult{name, {}, std::nullopt});
    try {
      vms_.push_back(&app.vm(VmName(name)));
    } catch (...) {
      result.error = app::to_error(std::current_exception());
      result.error->add_context(what);
    }
  }

  std::vector<VmResult> results_;
  std::vector<app::Vm*> vms_;
};

}  // namespace

VmList::Answer Local::call(const VmList&) {
  VmList::Answer answer;
  const auto app = reading();
  for (const auto& listed : app->vms()) answer.push_back(describe(listed, Detail::brief));
  return answer;
}

VmInfoRequest::Answer Local::call(const VmInfoRequest& request) {
  const VmName name(request.vm);
  return describe(reading()->vm(name), Detail::full);
}

VmDevices::Answer Local::call(const VmDevices& request) {
  const VmName name(request.vm);
  return describe(request.vm, reading()->vm(name).devices());
}

VmCreate::Answer Local::call(const VmCreate& request) {
  auto wanted = to_new_vm(request);
  const auto turn = alone({wanted.name});
  app::create_vm(writing(), std::move(wanted));
  return {};
}

VmStart::Answer Local::call(const VmStart& request) {
  const auto nodes = to_node_access(request.nodes);
  app::App& app = writing();
  const auto names = names_of(request.vms);
  {
    const auto turn = beside(names);
    Selection selection(app, request.vms, "start");
    if (!app::App::depends_on_others(selection.vms()))
      return selection.merge(app.start(selection.vms(), nodes));
  }
  const auto turn = alone(names);
  Selection selection(app, request.vms, "start");
  return selection.merge(app.start(selection.vms(), nodes));
}

VmStop::Answer Local::call(const VmStop& request) {
  app::App& app = writing();
  const auto turn = beside(names_of(request.vms));
  Selection selection(app, request.vms, "stop");
  return selection.merge(
      app.stop(selection.vms(), {.discard = request.discard, .progress = to_watch(request.progress)}));
}

VmClone::Answer Local::call(const VmClone& request) {
  const VmName vm(request.vm), name(request.name);
  const auto turn = alone({name});
  app::clone_vm(writing().vm(vm), name, to_watch(request.progress));
  return {};
}

VmRemove::Answer Local::call(const VmRemove& request) {
  const VmName name(request.vm);
  const auto turn = alone({name});
  app::remove_vm(writing().vm(name));
  return {};
}

VmSet::Answer Local::call(const VmSet& request) {
  const VmName name(request.vm);
  const auto turn = alone({name});
  app::set_vm(writing().vm(name), request.key, request.value);
  return {};
}

VmRunThrowaway::Answer Local::call(const VmRunThrowaway& request) {
  const auto nodes = to_node_access(request.nodes);
  const VmName above(request.above);
  app::App& app = writing();
  const VmName name = request.name ? VmName(*request.name) : app.free_name();
  const auto turn = beside({name});
  app::Vm& vm = app::create_throwaway(app, app.vm(above), name);
  const std::string vm_name = vm.name().str();
  try {
    return {vm_name, describe(vm_name, vm.start(nodes)), std::nullopt};
  } catch (...) {
    app::remove_throwaway(vm);
    throw;
  }
}

}  // namespace cowshed::api
