// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "api/attention.h"
#include "api/describe.h"
#include "api/describe_pool.h"
#include "api/local.h"
#include "api/sharers.h"

namespace cowshed::api {

namespace {

/// What a VM stands on, or stands on it; each has its own chain to tell.
bool is_related(const app::ListedVm& listed, app::Vm& to) try {
  if (listed.vm == nullptr) return false;
  if (listed.vm == &to) return true;
  const auto above = listed.vm->chain();
  return std::find(above.begin(), above.end(), &to) != above.end();
} catch (const Error&) {
  return false;
}

void count(Status::Answer& answer, const VmInfo& vm) {
  ++answer.vms;
  if (vm.state == "running") answer.running_vms.push_back(vm.name);
  if (vm.state == "partly running") ++answer.partly_running;
  bool is_unreadable = vm.error.has_value();
  for (const auto& volume : vm.volumes) {
    answer.dirty += volume.is_dirty.value_or(false);
    answer.outdated += volume.is_outdated.value_or(false);
    answer.commit_pending += volume.is_commit_pending.value_or(false);
    answer.invalid += volume.is_invalid.value_or(false);
    answer.held += volume.is_held.value_or(false);
    is_unreadable = is_unreadable || volume.error;
  }
  if (is_unreadable) ++answer.unreadable;
}

void append(std::vector<Attention>& list, std::vector<Attention> more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

VmInfo with_volumes(const app::ListedVm& listed) {
  VmInfo info = describe(listed, Detail::brief);
  if (listed.vm == nullptr) return info;
  for (pools::Volume* volume : listed.vm->volumes())
    info.volumes.push_back(describe(*listed.vm, *volume, Detail::brief));
  return info;
}

void add_pools(Status::Answer& answer, app::App& app) {
  for (const auto& [name, definition] : app.config().pools) {
    PoolInfo pool = describe_pool(app, name, Detail::brief);
    if (pool.error) answer.errors.push_back(with_advice(*pool.error));
    append(answer.attention, attention_to(pool));
    answer.pool_list.push_back(std::move(pool));
  }
  answer.pools = answer.pool_list.size();
}

void add_vms(Status::Answer& answer, app::App& app) {
  for (const auto& listed : app.vms()) {
    const VmInfo vm = with_volumes(listed);
    count(answer, vm);
    for (const Error& error : errors_of(vm)) answer.errors.push_back(with_advice(error));
    append(answer.attention, attention_to(vm));
  }
  answer.running = answer.running_vms.size();
}

}  // namespace

Tree::Answer Local::call(const Tree& request) {
  const auto app = reading();
  app::Vm* const only = request.vm ? &app->vm(VmName(*request.vm)) : nullptr;
  Tree::Answer answer;
  for (const auto& listed : app->vms())
    if (only == nullptr || is_related(listed, *only)) answer.push_back(describe(listed, Detail::full));
  add_sharers(answer);
  if (only != nullptr) std::erase_if(answer, [&](const VmInfo& vm) { return vm.name != *request.vm; });
  return answer;
}

Status::Answer Local::call(const Status&) {
  const auto app = reading();
  Status::Answer answer;
  answer.state = app->locations().state;
  answer.run = app->locations().run;
  answer.unclean = app->unclean();
  if (answer.unclean)
    answer.attention.push_back({"the installation", fmt::format("was left unclean by '{}'", *answer.unclean),
                                "cowshed recover puts that right, and so does the next command that writes"});
  add_pools(answer, *app);
  add_vms(answer, *app);
  return answer;
}

}  // namespace cowshed::api
