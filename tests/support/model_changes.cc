// SPDX-License-Identifier: Apache-2.0
// Model: what changes a volume as a whole.
#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "support/model.h"

namespace cowshed::test::model {

namespace {

void become_another(Volume& volume) {
  ++volume.generation;
  ++volume.changes;
  volume.change_image();
}

}  // namespace

std::size_t Model::back_in(const Words& revert) { return revert.size() > 3 ? std::stoull(revert.at(3)) : 0; }

std::optional<Target> Model::changed_by(const Words& command) const {
  const std::string& what = command.at(0);
  if (what != "revert" && what != "import" && what != "resize" && what != "promote") return std::nullopt;
  const Target target{command.at(1), command.at(2)};
  if (what != "promote") return target;
  if (!has(target.vm) || volume(target).kind != Kind::snapshot) return std::nullopt;
  return Target{owner_of_source(target.vm, target.volume), target.volume};
}

/// From a volume that another driver keeps.
bool Model::is_across(const Target& target, const Words& command) const {
  const auto from = Target::parse(value_of("from", command.at(3)).value());
  const std::string pool = command.at(0) == "clone-volume" ? pool_of_clone(command) : volume(target).pool;
  return settings_.pools.at(volume(from).pool).driver != settings_.pools.at(pool).driver;
}

std::string Model::import_of(const Words& command) const {
  if (!value_of("from", command.at(3))) return "import-file";
  return is_across({command.at(1), command.at(2)}, command) ? "import-across" : "import-volume";
}

std::string Model::operation_of(const Words& command) const {
  const std::string& what = command[0];
  if (what == "create") return "create-" + command[1];
  if (what == "set") return "set-" + command[3];
  if (what == "create-volume") return what + "-" + command[3];
  if (what == "pool-set" || what == "pool-add") return what + "-" + command[2];
  if (what == "recover" && command.size() > 1) return "recover-dry-run";
  if (what == "import") return import_of(command);
  if (what == "clone-volume") return is_across({command[1], command[2]}, command) ? what + "-across" : what;
  if (what == "revert") return back_in(command) > 0 ? "revert-to-older" : "revert";
  if (what != "promote" && what != "resize") return what;
  const bool is_running = vms_.at(command[1]).running;
  if (what == "promote") return is_running ? "promote-running" : "promote-stopped";
  const Volume& resized = volume({command[1], command[2]});
  if (resized.kind != Kind::origin) return "resize-volatile";
  if (std::stoull(command[3]) < resized.told_size()) return "resize-shrink";
  if (!is_running) return "resize-grow-stopped";
  return resized.session ? "resize-grow-" + resized.session_policy : "resize-grow-direct";
}

// --- Refusals

std::optional<std::string> Model::unsettled(const Target& target) const {
  if (vms_.at(target.vm).running) return "running";
  return volume(target).is_dirty() ? std::optional("dirty") : std::nullopt;
}

std::optional<std::string> Model::change_refusal(const Words& command) const {
  const std::string& what = command.at(0);
  const Target target = changed_by(command).value();
  const bool copies = volume(target).rules.copies_whole;
  if (copies && (what == "resize" || what == "revert")) return "not_supported";
  if (what == "resize") return resize_refusal(command);
  // It looks at what it is given first.
  if (copies && what == "import")
    if (auto refused = import_refusal(command)) return refused;
  if (volume(target).kind != Kind::origin) return "not_supported";
  if (what == "import")
    if (auto refused = import_refusal(command)) return refused;
  if (auto refused = unsettled(target)) return refused;
  if (what == "revert" && volume(target).older.size() <= back_in(command)) return "not_found";
  return std::nullopt;
}

std::optional<std::string> Model::import_refusal(const Words& command) const {
  const auto from = value_of("from", command.at(3));
  if (!from) return std::nullopt;
  const Target target{command.at(1), command.at(2)};
  if (*from == target.text() && !volume(target).rules.copies_whole) return "invalid_argument";
  return export_refusal(Target::parse(*from));
}

std::optional<std::string> Model::export_refusal(const Target& from) const {
  if (!has(from.vm)) return "not_found";
  const Volume& exported = volume(from);
  if (exported.kind != Kind::origin) return "not_supported";
  const bool is_running = vms_.at(from.vm).running;
  if (exported.rules.replaces_images && exported.unclean_direct) return is_running ? "in_use" : "dirty";
  const bool is_in_use = !exported.rules.replaces_images && is_running && exported.revisions == -1;
  return is_in_use ? std::optional("in_use") : std::nullopt;
}

std::optional<std::string> Model::resize_refusal(const Words& command) const {
  const Target target = changed_by(command).value();
  const Volume& resized = volume(target);
  if (resized.kind == Kind::snapshot) return "not_supported";
  if (!resized.rw) return "invalid_argument";
  const std::size_t size = std::stoull(command.at(3));
  if (size >= resized.told_size())
    return resized.is_encrypted ? std::optional("not_supported") : std::nullopt;
  if (command.size() < 5) return "invalid_argument";
  return unsettled(target);
}

/// Its source has to be at rest, and what is kept has to fit it.
std::optional<std::string> Model::promote_refusal(const Words& command) const {
  const Target target{command.at(1), command.at(2)};
  const Volume& promoted = volume(target);
  if (promoted.kind != Kind::snapshot || promoted.rules.copies_whole) return "not_supported";
  if (!promoted.keep_changes) return "invalid_argument";
  if (auto refused = unsettled(changed_by(command).value())) return refused;
  if (vms_.at(target.vm).running) return std::nullopt;
  if (!promoted.kept) return "not_found";
  return is_promotable(target) ? std::nullopt : std::optional("in_use");
}

bool Model::is_promotable(const Target& target) const {
  const auto& kept = volume(target).kept;
  return kept && kept->good_for && kept->good_for == source(target.vm, target.volume).committed_image();
}

std::optional<std::string> Model::clone_refusal(const Words& command) const {
  const std::string &from = command.at(1), &name = command.at(2);
  if (!has(from)) return "not_found";
  if (vms_.at(from).kind == "throwaway") return "invalid_argument";
  if (has(name)) return "exists";
  for (const auto& [volume_name, volume] : vms_.at(from).volumes)
    if (volume.kind == Kind::origin)
      if (auto refused = export_refusal({from, volume_name})) return refused;
  return std::nullopt;
}

// --- What they come to

void Model::change(Volume& volume, const Words& words) {
  const std::string& what = words.at(0);
  const std::string& vm = words.at(1);
  if (what == "resize") return resize(volume, std::stoull(words.at(3)), vms_.at(vm).running);
  if (what == "import") return import(volume, words.at(3));
  revert(volume, back_in(words));
}

/// It is replaced by what it replaces, so a second revert undoes the first.
void Model::revert(Volume& volume, std::size_t back) {
  const auto wanted = volume.older.end() - 1 - static_cast<std::ptrdiff_t>(back);
  Older now = std::move(*wanted);
  volume.older.erase(wanted);
  volume.older.push_back({std::exchange(volume.committed, std::move(now.content)), volume.image_state});
  become_another(volume);
  if (volume.rules.replaces_images) volume.image_state = now.image_state;
}

void Model::import(Volume& volume, const std::string& from) {
  Content content;
  if (const auto source = value_of("from", from)) {
    content = this->volume(Target::parse(*source)).committed;
  } else {
    content = image_content(value_of("image", from).value());
    content.resize((content.size() + sector - 1) / sector * sector);
  }
  volume.keep_older();
  volume.committed = std::move(content);
  become_another(volume);
  prune(volume);
}

/// Smaller: a commit.
void Model::resize(Volume& volume, std::size_t size, bool is_running) const {
  const bool grows = size >= volume.told_size();
  volume.size = size;
  if (volume.kind != Kind::origin) {
    if (is_running) volume.own.resize(size);
  } else if (!grows) {
    volume.keep_older();
    volume.committed.resize(size);
    become_another(volume);
    prune(volume);
  } else if (size != volume.told_size()) {
    grow(volume, size);
  }
}

/// What snapshots start from grows, too, except beside a session in place, of which the new size is a part.
void Model::grow(Volume& volume, std::size_t size) {
  volume.change_image();
  if (!volume.is_image_open()) volume.committed.resize(size);
  if (volume.session && volume.is_image_open()) volume.wrote = true;
  if (volume.session) volume.session->resize(size);
}

void Model::promote(const Target& target) {
  Volume& promoted = volume(target);
  const bool is_running = vms_.at(target.vm).running;
  const Content content = is_running ? promoted.own : promoted.kept.value().content;
  const bool differs = is_running ? differs_from_source(target) : promoted.kept->wrote;
  if (!is_running) promoted.kept.reset();
  Volume& changed = source(target.vm, target.volume);
  if (!differs && content == changed.committed) return;
  changed.keep_older();
  changed.committed = content;
  become_another(changed);
  prune(changed);
}

void Model::keep(const Target& target, bool is_good, bool wrote) {
  Volume& kept = volume(target);
  const Volume& from = source(target.vm, target.volume);
  kept.kept = Kept{.content = vms_.at(target.vm).running ? kept.own : from.committed,
                   .wrote = wrote,
                   // A session that was cut off, too, is perhaps not down yet here.
                   .good_for = is_good ? std::optional(from.image_state) : std::nullopt,
                   .is_unknown = false};
}

void Model::mistrust_kept(const Target& source) {
  for (auto& [name, vm] : vms_) {
    const auto found = vm.volumes.find(source.volume);
    if (found == vm.volumes.end()) continue;
    Volume& candidate = found->second;
    if (candidate.kept && owner_of_source(name, source.volume) == source.vm)
      candidate.kept->is_unknown = true;
  }
}

void Model::clone(const std::string& from, const std::string& name) {
  Vm vm = vms_.at(from);
  vm.running = false;
  for (auto& [volume_name, volume] : vm.volumes) {
    Volume fresh;
    fresh.kind = volume.kind;
    fresh.pool = volume.pool;
    fresh.rules = volume.rules;
    fresh.rw = volume.rw;
    fresh.revisions = volume.revisions;
    fresh.has_own_revisions = volume.has_own_revisions;
    fresh.ephemeral = volume.ephemeral;
    fresh.policy = volume.policy;
    fresh.size = volume.size;
    fresh.keep_changes = volume.keep_changes;
    fresh.committed = std::move(volume.committed);
    volume = std::move(fresh);
  }
  vms_[name] = std::move(vm);
}

// --- What was cut off

void Model::judge_kept(const std::string& name, const Found& found, const std::string& by,
                       Verdict& verdict) const {
  const Vm& vm = vms_.at(name);
  for (const auto& [volume_name, volume] : vm.volumes) {
    if (!volume.keep_changes) continue;
    const Target target{name, volume_name};
    if (vm.running)
      judge_kept_of_session(target, found, by, verdict);
    else if (by == "start")
      judge_kept_of_start(target, found.volumes.at(volume_name), verdict);
  }
}

void Model::judge_kept_of_session(const Target& target, const Found& found, const std::string& by,
                                  Verdict& verdict) const {
  const Volume& kept = volume(target);
  const auto& property = found.volumes.at(target.volume);
  const auto& fits = property.promotable;
  if (!property.is_kept) {
    if (by != "discard") verdict.wrong.push_back(target.label() + " has lost what its guest has changed");
    return;
  }
  const auto state = source(target.vm, target.volume).committed_image();
  if (!fits && state && kept.source_image == state)
    verdict.wrong.push_back(target.label() + ": what its guest has changed fits no more");
  if (fits && !found.is_after_power_cut && *fits != kept.own)
    verdict.wrong.push_back(target.label() + ": what is kept is not what its guest saw");
  verdict.events.push_back(fmt::format("keep {} {} {}", target.label(), fits ? "good" : "stale",
                                       property.is_unchanged ? "clean" : "written"));
}

/// They are made anew; it may not have come to that.
void Model::judge_kept_of_start(const Target& target, const Found::Property& property,
                                Verdict& verdict) const {
  // One of another size is the one that was there before.
  const std::size_t anew = source(target.vm, target.volume).committed.size();
  const bool is_old = property.promotable && property.promotable->size() != anew;
  if (!property.is_kept)
    verdict.events.push_back("lose " + target.label());
  else if (property.is_unchanged && !is_old)
    verdict.events.push_back((property.promotable ? "keep " : "unsure ") + target.label() +
                             (property.promotable ? " good clean" : ""));
}

namespace {

/// Of the older states the oldest may be gone.
bool is_found(const State& state, const std::optional<State>& found, std::size_t kept_for_sure) {
  if (!found || found->committed != state.committed) return false;
  const auto count = found->older.size();
  if (count > state.older.size() || count < std::min(kept_for_sure, state.older.size())) return false;
  return std::ranges::equal(found->older, state.older | std::views::drop(state.older.size() - count));
}

}  // namespace

bool Model::is_as_found(const std::string& what, const Target& target, const Found::Property& property,
                        std::size_t kept_for_sure) const {
  const Volume& changed = volume(target);
  if (property.size != changed.told_size()) return false;
  if (property.device_size && *property.device_size != changed.size_now()) return false;
  // What grows may hold what was never synced.
  if (what == "resize") return true;
  if (changed.rules.has_many_revisions) return is_found(changed.state(), property.state, kept_for_sure);
  return property.state == changed.state();
}

/// All of it, or nothing: the older state included.
Model::Verdict Model::judge_change(const Words& command, const Found& found) const {
  const Target target = changed_by(command).value();
  Verdict verdict;
  if (refusal(command, command.at(1))) return verdict;
  const auto& property = found.volumes.at(target.volume);
  const Volume& before = volume(target);
  const bool may_have_surplus = before.rules.has_many_revisions;
  const std::string happening = (may_have_surplus ? "half " : "") + join(command);
  Model with = *this;
  with.apply(happening);
  const std::string& what = command.at(0);
  const auto wanted = static_cast<std::size_t>(std::max(before.revisions, 0));
  // A revert takes none away.
  verdict.happened =
      with.is_as_found(what, target, property, what == "revert" ? before.kept_for_sure() : wanted);
  if (verdict.happened)
    verdict.events = {happening};
  else if (volume(target).kind == Kind::volatile_ && property.size == volume(target).size &&
           property.device_size == with.volume(target).size)
    verdict.events = {"extend " + target.label() + " " + command.at(3)};
  else if (!is_as_found(what, target, property, before.kept_for_sure()))
    verdict.wrong.push_back(target.label() + " is neither as it was nor as it was to become");
  if (may_have_surplus && property.state)
    verdict.events.push_back(fmt::format("prune {} {}", target.label(), property.state->older.size()));
  // A grow that was cut off may count as a write.
  if (what == "resize" && before.rules.replaces_images && before.session && property.dirty)
    verdict.events.push_back("touch " + target.label());
  // What was promoted goes last.
  if (what == "promote" && verdict.happened && !vms_.at(command.at(1)).running)
    verdict.events.push_back("unsure " + command.at(1) + " " + command.at(2));
  return verdict;
}

}  // namespace cowshed::test::model
