// SPDX-License-Identifier: Apache-2.0
// Model: which volumes a VM has, where they lie, and what they begin from.
#include <algorithm>
#include <utility>

#include "support/model.h"

namespace cowshed::test::model {

void Model::put_into(Volume& volume, const std::string& pool) const {
  const Pool& place = settings_.pools.at(pool);
  volume.pool = pool;
  volume.rules = place.rules;
  volume.revisions = place.revisions;
}

/// Its additional volumes; a disposable is as writable as the VM that it is of.
void Model::take_over(Vm& vm) const {
  if (vm.above.empty()) return;
  for (const auto& [name, volume] : vms_.at(vm.above).volumes) {
    if (!is_default_volume(name)) {
      const bool is_volatile = volume.kind == Kind::volatile_;
      vm.volumes[name] =
          new_volume(is_volatile ? Kind::volatile_ : Kind::snapshot, is_volatile ? volume.size : 0);
      vm.volumes[name].rw = volume.rw;
    }
    if (vm.kind == "app") continue;
    Volume& same = vm.volumes.at(name);
    same.rw = volume.rw;
    if (same.kind == Kind::volatile_) same.ephemeral = volume.ephemeral;
  }
}

void Model::place(Vm& vm, const std::map<std::string, std::string>& wishes) const {
  const auto wish = [&](const std::string& key) {
    const auto found = wishes.find(key);
    return found == wishes.end() ? std::string() : found->second;
  };
  for (auto& [name, volume] : vm.volumes) {
    std::string pool = wish("pool:" + name);
    if (pool.empty() && volume.rw) pool = wish("pool");
    if (volume.kind == Kind::snapshot) {
      pool = this->volume({*find_owner(vm.above, name), name}).pool;
    } else if (pool.empty() && vm.kind != "app" && has_volume({vm.above, name})) {
      pool = this->volume({vm.above, name}).pool;
    }
    put_into(volume, pool.empty() ? default_pool_for(name) : pool);
  }
}

/// In the order of the volumes.
std::optional<std::string> Model::place_refusal(const Words& create) const {
  const std::string& kind = create.at(1);
  const bool is_above = create.at(3) != "-";
  for (const std::string name : {"root", "private", "volatile"})
    for (const auto& word : create) {
      const bool is_snapshot = is_above && (name == "root" || (name == "private" && kind != "app"));
      const auto own = value_of("pool:" + name, word);
      if (own && is_snapshot) return "invalid_argument";
      const auto wish = own ? own : value_of("pool", word);
      if (wish && !is_snapshot && !settings_.pools.contains(*wish)) return "not_found";
    }
  return std::nullopt;
}

/// `create-volume VM VOLUME KIND SIZE POOL|-`, `clone-volume VM VOLUME from=VM:VOLUME POOL|-`
std::optional<std::string> Model::new_volume_refusal(const Words& command) const {
  const std::string &name = command.at(1), &volume_name = command.at(2), &pool = command.back();
  const Vm& vm = vms_.at(name);
  const bool is_clone = command.at(0) == "clone-volume";
  if (vm.kind == "throwaway") return "invalid_argument";
  if (vm.running) return "running";
  if (vm.volumes.contains(volume_name)) return "exists";
  if (!is_clone && command.at(3) == "snapshot") {
    const std::string* owner = find_owner(vm.above, volume_name);
    const bool fits = owner != nullptr && (pool == "-" || pool == volume({*owner, volume_name}).pool);
    return fits ? std::nullopt : std::optional("invalid_argument");
  }
  if (pool != "-" && !settings_.pools.contains(pool)) return "not_found";
  // Those would begin from another volume than before.
  if ((is_clone || command.at(3) == "origin") && has_snapshot_below(name, volume_name)) return "in_use";
  return is_clone ? export_refusal(Target::parse(value_of("from", command.at(3)).value())) : std::nullopt;
}

bool Model::has_snapshot_below(const std::string& vm, const std::string& volume) const {
  return std::ranges::any_of(vms_, [&](const auto& other) {
    const auto found = other.second.volumes.find(volume);
    if (found == other.second.volumes.end() || found->second.kind != Kind::snapshot) return false;
    for (std::string above = other.second.above; !above.empty(); above = vms_.at(above).above)
      if (above == vm) return true;
    return false;
  });
}

std::optional<std::string> Model::remove_volume_refusal(const Target& target) const {
  const Vm& vm = vms_.at(target.vm);
  if (!vm.volumes.contains(target.volume)) return "not_found";
  if (vm.kind == "throwaway") return "invalid_argument";
  if (vm.running) return "running";
  return has_user(target) ? std::optional("in_use") : std::nullopt;
}

bool Model::has_user(const Target& target) const {
  return std::ranges::any_of(vms_, [&](const auto& vm) {
    const auto found = vm.second.volumes.find(target.volume);
    return found != vm.second.volumes.end() && found->second.kind == Kind::snapshot &&
           owner_of_source(vm.first, target.volume) == target.vm;
  });
}

void Model::create_volume(const Words& words) {
  const std::string &vm = words.at(1), &name = words.at(2), &kind = words.at(3), &pool = words.at(5);
  const bool is_snapshot = kind == "snapshot";
  Volume volume = new_volume(is_snapshot        ? Kind::snapshot
                             : kind == "origin" ? Kind::origin
                                                : Kind::volatile_,
                             std::stoull(words.at(4)));
  if (is_snapshot)
    put_into(volume, this->volume({*find_owner(vms_.at(vm).above, name), name}).pool);
  else
    put_into(volume, pool == "-" ? default_pool_for(name) : pool);
  vms_.at(vm).volumes[name] = std::move(volume);
}

void Model::clone_volume(const Words& words) {
  Volume cloned = new_volume(Kind::origin, 0);
  cloned.committed = volume(Target::parse(value_of("from", words.at(3)).value())).committed;
  put_into(cloned, pool_of_clone(words));
  vms_.at(words.at(1)).volumes[words.at(2)] = std::move(cloned);
}

std::string Model::pool_of_clone(const Words& command) const {
  return command.at(4) == "-" ? default_pool_for(command.at(2)) : command.at(4);
}

// --- VMs

std::optional<std::string> Model::vm_set_refusal(const Words& command) const {
  const std::string &name = command.at(1), &value = command.at(2);
  const Vm& vm = vms_.at(name);
  if (vm.kind == "throwaway") return "invalid_argument";
  const auto is_in_the_way = [&](const auto& other) {
    return other.second.running && (other.first == name || other.second.above == name);
  };
  if (std::ranges::any_of(vms_, is_in_the_way)) return "running";
  if (command.at(0) == "kernel") return value.starts_with("k") ? std::nullopt : std::optional("not_found");
  const std::string fitting = vm.kind == "app" ? "template" : vm.kind == "disposable" ? "app" : "none";
  if (vms_.at(value).kind != fitting) return "invalid_argument";
  Model with = *this;
  with.vms_.at(name).above = value;
  return with.has_all_sources(name) ? std::nullopt : std::optional("invalid_argument");
}

/// In the same pool; and so have those below it.
bool Model::has_all_sources(const std::string& name) const {
  for (const auto& [volume_name, volume] : vms_.at(name).volumes) {
    if (volume.kind != Kind::snapshot) continue;
    const std::string* owner = find_owner(vms_.at(name).above, volume_name);
    if (owner == nullptr || this->volume({*owner, volume_name}).pool != volume.pool) return false;
  }
  return std::ranges::all_of(
      vms_, [&](const auto& vm) { return vm.second.above != name || has_all_sources(vm.first); });
}

}  // namespace cowshed::test::model
