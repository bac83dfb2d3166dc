// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <optional>
#include <set>

#include "app/app.h"
#include "app/batch.h"
#include "app/links.h"
#include "app/progress.h"
#include "app/remove_vm.h"
#include "base/undo.h"
#include "layers/teardown.h"

namespace cowshed::app {

namespace {

using pools::Volume;

/// So many VMs are stopped by one call that their layers are taken down at once (layers::StopsTogether).
constexpr std::size_t many = 16;

/// Its stop is going to save something.
bool is_to_be_committed(Volume& volume) {
  if (volume.kind() != pools::VolumeKind::origin) return false;
  try {
    return volume.is_running() && volume.is_dirty();
  } catch (const std::exception&) {
    // The stop itself says what is wrong.
    return false;
  }
}

/// One VM on its way down.
class VmStop {
 public:
  VmStop(Vm& vm, const pools::StopOptions& options, JointProgress& progress)
      : vm_(vm), options_(options), progress_(progress) {}

  /// Before the first volume is stopped: a guest that still holds one keeps them all.
  void begin() {
    for (Volume* volume : vm_.volumes())
      in_context([&] { return label(*volume); }, [&] { volume->check_stop(options_); });
    const Locations& locations = vm_.app().locations();
    nodes_ = access_of_nodes(locations, vm_.name());
    if (nodes_) withdraw_nodes(locations, vm_.name());
    for (Volume* volume : vm_.volumes()) {
      if (!options_.discard && is_to_be_committed(*volume)) committing_.insert(volume);
      batch_of(*volume).begin(*volume, [&](Volume& stopping) {
        return stopping.stop({.discard = options_.discard, .progress = interruptible(progress_.part())});
      });
    }
  }

  void wait_for_rest() { wait(rest_); }
  void wait_for_commits() { wait(commits_); }

  /// Of those that were waited for.
  [[nodiscard]] const std::vector<VolumeName>& committed() const { return committed_; }

  void finish() {
    if (failure_) {
      relink();
      throw *failure_;
    }
    withdraw_links(vm_.app().locations(), vm_.name());
    if (vm_.is_throwaway()) remove_throwaway(vm_);
  }

 private:
  /// A commit may take long, and needs nothing of other VMs.
  VolumeBatch<void>& batch_of(const Volume& volume) {
    return volume.kind() == pools::VolumeKind::origin ? commits_ : rest_;
  }

  void wait(VolumeBatch<void>& batch) {
    const Locations& locations = vm_.app().locations();
    const auto failure = batch.wait([&](Volume& volume) {
      if (committing_.contains(&volume)) committed_.push_back(volume.properties().name);
      withdraw_link(locations, vm_.name(), volume.properties().name.str());
    });
    if (failure && !failure_) failure_ = failure;
  }

  /// What still runs may do so as another device.
  void relink() {
    const Undo last([this] {
      if (!vm_.is_running()) return;
      auto devices = vm_.devices();
      publish_links(vm_.app().locations(), vm_.name(), devices, nodes_);
    });
  }

  Vm& vm_;
  const pools::StopOptions& options_;
  JointProgress& progress_;
  /// As long as it may run on: what its nodes had.
  std::optional<NodeAccess> nodes_;
  VolumeBatch<void> commits_, rest_;
  std::set<const Volume*> committing_;
  std::vector<VolumeName> committed_;
  std::optional<Error> failure_;
};

template <typename Step>
void attempt(VmOutcome& outcome, Step step) {
  if (outcome.error) return;
  try {
    step();
  } catch (...) {
    outcome.error = to_error(std::current_exception());
    outcome.error->add_context(fmt::format("stop vm '{}'", outcome.vm.str()));
  }
}

}  // namespace

std::vector<VmOutcome> App::stop(std::span<Vm* const> vms, const pools::StopOptions& options) {
  JointProgress progress(options.progress);
  std::vector<VmOutcome> outcomes;
  std::vector<VmStop> stops;
  std::set<Vm*> seen;
  for (Vm* vm : vms) {
    if (!seen.insert(vm).second) continue;
    outcomes.push_back({vm->name(), {}, std::nullopt});
    stops.emplace_back(*vm, options, progress);
  }
  std::optional<layers::StopsTogether> together;
  if (stops.size() >= many && layers::Host::removal_waits()) together.emplace();
  const auto for_each = [&](auto step) {
    for (std::size_t i = 0; i < stops.size(); ++i) attempt(outcomes[i], [&] { step(stops[i]); });
  };
  for_each([](VmStop& stop) { stop.begin(); });
  for_each([](VmStop& stop) { stop.wait_for_rest(); });
  Turn::with_vms_only([&] { for_each([](VmStop& stop) { stop.wait_for_commits(); }); });
  for (std::size_t i = 0; i < stops.size(); ++i) outcomes[i].committed = stops[i].committed();
  for_each([](VmStop& stop) { stop.finish(); });
  return outcomes;
}

void Vm::stop(const pools::StopOptions& options) {
  Vm* const self = this;
  // The object of a throw-away VM does not outlive this.
  const auto outcomes = app_.stop({&self, 1}, options);
  if (outcomes.front().error) throw *outcomes.front().error;
}

}  // namespace cowshed::app
