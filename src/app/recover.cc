// SPDX-License-Identifier: Apache-2.0
#include "app/recover.h"

#include <fmt/core.h>

#include "app/batch.h"
#include "app/links.h"
#include "app/pending.h"
#include "app/remove_vm.h"
#include "app/vm_names.h"
#include "base/log.h"

namespace cowshed::app {

namespace {

using pools::Volume;

class Recoverer {
 public:
  Recoverer(App& app, bool dry_run) : app_(app), dry_run_(dry_run) {}

  pools::RecoveryReport run() {
    load(true);
    for (const auto& entry : app_.config().pools)
      attempt(fmt::format("pool '{}'", entry.first.str()), [&] { recover_pool(entry.first); });
    for (const auto& name : names_in(app_.locations().vms(), Locations::pending_suffix))
      attempt(fmt::format("vm '{}'", name.str()), [&] { settle_pending(app_, name, dry_run_, report_); });
    load(false);
    for (Vm* vm : vms_) attempt(label(*vm), [&] { recover_vm(*vm); });
    attempt("device links", [&] { sweep_links(); });
    attempt("definitions", [&] { sweep_half_written(); });
    return std::move(report_);
  }

 private:
  template <typename Step>
  void attempt(const std::string& what, Step step) {
    try {
      step();
    } catch (...) {
      report_.fail(what, to_error(std::current_exception()));
    }
  }

  /// Definitions that cannot be read are reported once.
  void load(bool is_first) {
    vms_.clear();
    for (auto& listed : app_.vms()) {
      if (listed.vm != nullptr)
        vms_.push_back(listed.vm);
      else if (is_first)
        report_.fail(fmt::format("vm '{}'", listed.name.str()), *listed.error);
    }
  }

  void recover_pool(const PoolName& name) {
    pools::Pool& pool = app_.pool(name);
    std::vector<Volume*> volumes;
    for (const Vm* vm : vms_)
      for (Volume* volume : vm->volumes())
        if (&volume->pool() == &pool) volumes.push_back(volume);
    const pools::RecoveryReport report = pool.recover(volumes, dry_run_);
    for (const auto& line : report.lines) report_.add(fmt::format("pool '{}': {}", name.str(), line));
    report_.complete = report_.complete && report.complete;
  }

  void recover_vm(Vm& vm) {
    if (vm.state() == VmState::partly_running) take_down(vm);
    if (vm.state() == VmState::running) return relink(vm);
    if (vm.is_throwaway()) drop_throwaway(vm);
  }

  void take_down(Vm& vm) {
    std::vector<Volume*> running;
    for (Volume* volume : vm.volumes())
      if (volume->holds_device() && volume->is_running()) running.push_back(volume);
    report_.add(fmt::format("{}: only {} of its volumes ran: taken down", label(vm), running.size()));
    if (dry_run_) return;
    if (!abandon(running)) report_.complete = false;
    // Who recovers again, or starts it, must not meet layers that are still on their way out.
    for (Volume* volume : running) volume->pool().finish();
  }

  /// While a part of it ran it had to be left alone.
  void drop_throwaway(Vm& vm) {
    report_.add(fmt::format("{}: a throw-away VM that does not run any more: removed", label(vm)));
    if (!dry_run_) remove_throwaway(vm);
  }

  void relink(Vm& vm) {
    std::vector<pools::BlockDevice> devices;
    for (Volume* volume : vm.volumes())
      if (auto device = volume->block_device()) devices.push_back(std::move(*device));
    const auto& locations = app_.locations();
    if (!dry_run_) publish_links(locations, vm.name(), devices, access_of_nodes(locations, vm.name()));
  }

  /// Links of VMs that do not run, or are no more.
  void sweep_links() {
    for (const auto& name : names_in(app_.locations().devices(), "")) {
      if (app_.exists_vm(name) && app_.vm(name).is_running()) continue;
      report_.add(fmt::format("vm '{}': does not run: device links removed", name.str()));
      if (!dry_run_) withdraw_links(app_.locations(), name);
    }
  }

  /// Definitions that were cut off while they were written.
  void sweep_half_written() {
    const Locations& locations = app_.locations();
    remove_half_written(half_made(locations.config()));
    for (const Path& directory : {locations.vms(), locations.throwaways()}) {
      if (!path_exists(directory)) continue;
      for (const auto& entry : std::filesystem::directory_iterator(directory))
        if (entry.path().native().ends_with(half_made({}).native())) remove_half_written(entry.path());
    }
  }

  void remove_half_written(const Path& file) {
    if (!path_exists(file)) return;
    report_.add(fmt::format("half-written '{}' removed", file.native()));
    if (!dry_run_) unlink_if_exists(file);
  }

  App& app_;
  bool dry_run_;
  std::vector<Vm*> vms_;
  pools::RecoveryReport report_;
};

}  // namespace

pools::RecoveryReport recover_all(App& app, bool dry_run) { return Recoverer(app, dry_run).run(); }

void run_due_recovery(App& app, StateLock& lock) {
  log_info(fmt::format("{} did not end well: recovering", lock.unclean().value_or("the last command")));
  const pools::RecoveryReport report = recover_all(app, false);
  for (const auto& line : report.lines) report.complete ? log_info(line) : log_warning(line);
  if (report.complete)
    lock.set_recovered();
  else
    lock.leave_unclean();
}

}  // namespace cowshed::app
