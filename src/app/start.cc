// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "app/app.h"
#include "app/batch.h"
#include "app/interruption.h"
#include "app/links.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

using pools::BlockDevice;
using pools::Volume;
using Running = std::set<const Vm*>;

constexpr int snapshots_off = -1;

Error in_the_way(const Volume& volume, const std::string& why) {
  return {ErrorKind::in_use, fmt::format("{}: {}", label(volume), why)};
}

/// The source must exist, and where it is written without snapshots it must not run.
void check_source(Vm& vm, Volume& volume, const Running& starting) {
  Volume& source = in_context([&] { return label(volume); }, [&]() -> Volume& { return volume.source(); });
  if (source.revisions_to_keep() != snapshots_off) return;
  const Vm& owner = vm.owner_of(source);
  if (starting.contains(&owner) || source.is_running())
    throw in_the_way(volume, fmt::format("its source runs in {} with snapshots off", label(owner)));
}

/// Snapshots of a volume that is written without snapshots must not run. The one case in which all
/// definitions are read.
void check_snapshots(Vm& vm, Volume& volume, const Running& starting) {
  for (Vm* other : vm.app().all_vms("which VMs snapshot a volume with snapshots off")) {
    Volume* snapshot = other->find_volume(volume.properties().name);
    if (snapshot == nullptr || !snapshot->properties().snap_on_start || &snapshot->source() != &volume)
      continue;
    if (starting.contains(other) || snapshot->is_running())
      throw in_the_way(volume, fmt::format("snapshots are off, and its snapshot runs in {}", label(*other)));
  }
}

/// One VM on its way up.
class VmStart {
 public:
  explicit VmStart(Vm& vm) : vm_(vm) {}

  /// All of it before the first volume of the batch is started.
  void check(const Running& starting) {
    if (starting.contains(&vm_)) throw already_running();
    for (Volume* volume : vm_.volumes()) {
      if (volume->properties().snap_on_start) check_source(vm_, *volume, starting);
      if (volume->revisions_to_keep() == snapshots_off) check_snapshots(vm_, *volume, starting);
    }
    check_volumes();
  }

  void begin() {
    for (Volume* volume : vm_.volumes())
      batch_.begin(*volume, [](Volume& starting) { return starting.start(); });
  }

  std::vector<BlockDevice> finish(const std::optional<NodeAccess>& nodes) {
    std::vector<Volume*> started;
    std::vector<BlockDevice> devices;
    const auto failure = batch_.wait([&](Volume& volume, std::optional<BlockDevice> device) {
      started.push_back(&volume);
      if (device) devices.push_back(std::move(*device));
    });
    Undo undo([&] {
      if (!abandon(started)) vm_.app().leave_unclean();
    });
    if (failure) throw failure->kind() == ErrorKind::running ? already_running() : *failure;
    throw_if_interrupted();
    publish_links(vm_.app().locations(), vm_.name(), devices, nodes);
    undo.release();
    return devices;
  }

 private:
  void check_volumes() {
    try {
      for (Volume* volume : vm_.volumes())
        in_context([&] { return label(*volume); }, [&] { volume->check_start(); });
    } catch (const Error& refusal) {
      if (refusal.kind() == ErrorKind::running) throw already_running();
      throw;
    }
  }

  [[nodiscard]] Error already_running() const {
    return {ErrorKind::running, fmt::format("{} is already running", label(vm_))};
  }

  Vm& vm_;
  VolumeBatch<std::optional<BlockDevice>> batch_;
};

/// Gives each pool all its volumes of the batch at once.
void prepare(const Running& vms) {
  std::map<pools::Pool*, std::vector<Volume*>> by_pool;
  for (const Vm* vm : vms)
    for (Volume* volume : vm->volumes()) by_pool[&volume->pool()].push_back(volume);
  for (const auto& [pool, volumes] : by_pool) pool->prepare(volumes);
}

/// Runs `step` unless the VM failed before; what it throws is the VM's outcome.
template <typename Step>
void attempt(VmOutcome& outcome, std::string_view what, Step step) {
  if (outcome.error) return;
  try {
    step();
  } catch (...) {
    outcome.error = to_error(std::current_exception());
    outcome.error->add_context(fmt::format("{} vm '{}'", what, outcome.vm.str()));
  }
}

}  // namespace

namespace {

bool is_direct(Volume& volume) {
  if (volume.revisions_to_keep() == snapshots_off) return true;
  return volume.properties().snap_on_start && volume.source().revisions_to_keep() == snapshots_off;
}

}  // namespace

bool App::depends_on_others(std::span<Vm* const> vms) {
  try {
    return std::ranges::any_of(vms, [](const Vm* vm) {
      return std::ranges::any_of(vm->volumes(), [](Volume* volume) { return is_direct(*volume); });
    });
  } catch (const Error&) {
    // The start says what is wrong.
    return false;
  }
}

std::vector<VmOutcome> App::start(std::span<Vm* const> vms, const std::optional<NodeAccess>& nodes) {
  constexpr std::string_view what = "start";
  std::vector<VmOutcome> outcomes;
  std::vector<VmStart> starts;
  Running starting;
  for (Vm* vm : vms) {
    auto& outcome = outcomes.emplace_back(VmOutcome{vm->name(), {}, std::nullopt});
    starts.emplace_back(*vm);
    attempt(outcome, what, [&] {
      starts.back().check(starting);
      starting.insert(vm);
    });
  }
  try {
    prepare(starting);
  } catch (...) {
    for (auto& outcome : outcomes)
      attempt(outcome, what, [failure = std::current_exception()] { std::rethrow_exception(failure); });
    return outcomes;
  }
  for (std::size_t i = 0; i < vms.size(); ++i) attempt(outcomes[i], what, [&] { starts[i].begin(); });
  for (std::size_t i = 0; i < vms.size(); ++i)
    attempt(outcomes[i], what, [&] { outcomes[i].devices = starts[i].finish(nodes); });
  return outcomes;
}

std::vector<BlockDevice> Vm::start(const std::optional<NodeAccess>& nodes) {
  Vm* const self = this;
  auto outcomes = app_.start({&self, 1}, nodes);
  if (outcomes.front().error) throw *outcomes.front().error;
  return std::move(outcomes.front().devices);
}

}  // namespace cowshed::app
