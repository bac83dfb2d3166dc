// SPDX-License-Identifier: Apache-2.0
// Model: what commands come to, and what may be found after they were cut off.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "support/model.h"

namespace cowshed::test::model {

const std::string& Model::owner_of_source(const std::string& vm, const std::string& volume) const {
  if (const std::string* owner = find_owner(vms_.at(vm).above, volume)) return *owner;
  throw std::logic_error(vm + ":" + volume + " has no source");
}

const std::string* Model::find_owner(const std::string& first, const std::string& volume) const {
  for (const std::string* above = &first; !above->empty(); above = &vms_.at(*above).above) {
    const auto& volumes = vms_.at(*above).volumes;
    const auto found = volumes.find(volume);
    if (found != volumes.end() && found->second.kind == Kind::origin) return above;
  }
  return nullptr;
}

const Volume& Model::source(const std::string& vm, const std::string& volume) const {
  return vms_.at(owner_of_source(vm, volume)).volumes.at(volume);
}

std::vector<const Volume*> Model::running_snapshots(const std::string& vm, const std::string& volume) const {
  std::vector<const Volume*> result;
  for (const auto& [name, other] : vms_) {
    const auto found = other.volumes.find(volume);
    if (found == other.volumes.end()) continue;
    const Volume& candidate = found->second;
    if (other.running && candidate.kind == Kind::snapshot && owner_of_source(name, volume) == vm)
      result.push_back(&candidate);
  }
  return result;
}

std::optional<bool> Model::is_outdated(const Target& target) const {
  const Volume& snapshot = volume(target);
  const Volume& from = source(target.vm, target.volume);
  if (snapshot.rules.replaces_images || snapshot.rules.copies_whole)
    return snapshot.source_image != from.committed_image();
  return from.changes > snapshot.source_changes ? std::optional(true) : std::nullopt;
}

bool Model::is_template(const std::string& vm) const {
  return std::ranges::any_of(vms_, [&](const auto& other) { return other.second.above == vm; });
}

std::vector<Target> Model::with_surplus() const {
  std::vector<Target> found;
  for (const auto& [name, vm] : vms_)
    for (const auto& [volume_name, volume] : vm.volumes)
      if (volume.older.size() > volume.kept_for_sure()) found.push_back({name, volume_name});
  return found;
}

// --- Refusals

std::optional<std::string> Model::start_refusal(const std::string& name) const {
  const Vm& vm = vms_.at(name);
  if (vm.running) return "running";
  for (const auto& [volume_name, volume] : vm.volumes) {
    if (volume.kind == Kind::snapshot)
      if (auto refused = source_refusal({name, volume_name})) return refused;
    if (volume.kind == Kind::origin && volume.revisions == -1 &&
        !running_snapshots(name, volume_name).empty())
      return "in_use";
  }
  return std::nullopt;
}

/// While guests write the image itself there is nothing to start from; nor, where images are replaced, after
/// such a session was cut off.
std::optional<std::string> Model::source_refusal(const Target& target) const {
  const std::string& owner = owner_of_source(target.vm, target.volume);
  const Volume& source = volume({owner, target.volume});
  const bool is_running = vms_.at(owner).running;
  if (is_running && source.revisions == -1) return "in_use";
  if (!source.rules.replaces_images || !source.unclean_direct) return std::nullopt;
  return is_running ? "in_use" : "dirty";
}

std::optional<std::string> Model::refusal(const Words& command, const std::string& name) const {
  const std::string& what = command.at(0);
  if (what == "create") {
    if (has(name)) return "exists";
    if (auto refused = place_refusal(command)) return refused;
    // A throw-away VM is started, too.
    if (command.at(1) != "throwaway") return std::nullopt;
    Model with = *this;
    with.apply(join(command));
    return with.start_refusal(name);
  }
  if (what == "clone") return clone_refusal(command);
  if (is_about_settings(command)) return settings_refusal(command);
  if (!has(name)) return "not_found";
  if (what == "start") return start_refusal(name);
  if (what == "discard") return discard_refusal(name);
  if (what == "set") return set_refusal(command);
  if (what == "create-volume" || what == "clone-volume") return new_volume_refusal(command);
  if (what == "remove-volume") return remove_volume_refusal({name, command.at(2)});
  if (what == "export") return export_refusal({name, command.at(2)});
  if (what == "template" || what == "kernel") return vm_set_refusal(command);
  if (what == "promote") return promote_refusal(command);
  if (changed_by(command)) return change_refusal(command);
  if (what != "remove") return std::nullopt;
  if (vms_.at(name).running) return "running";
  return is_template(name) ? std::optional("in_use") : std::nullopt;
}

namespace {

/// By the driver.
bool is_supported(const Rules& rules, const std::string& key, const std::string& value) {
  if (key == "cow_limit" || key == "warm") return false;
  if (key == "write_policy") return !rules.replaces_images && (!rules.copies_whole || value == "overlay");
  if (key == "revisions_to_keep" && value != "default")
    return rules.copies_whole ? value == "0" : rules.has_many_revisions || std::stoi(value) <= 1;
  return !rules.copies_whole || value != "true" || key == "rw";
}

}  // namespace

/// What no driver could.
std::optional<std::string> Model::property_refusal(const Volume& volume, const std::string& key,
                                                   const std::string& value) const {
  const bool is_volatile = volume.kind == Kind::volatile_;
  const bool is_ephemeral = key == "ephemeral" ? value == "true" : volume.ephemeral.value_or(false);
  const bool is_rw = key == "rw" ? value == "true" : volume.rw;
  const bool is_misplaced = volume.kind != Kind::origin && (key == "write_policy" || key == "warm");
  const bool has_cows = !volume.rules.replaces_images && !volume.rules.copies_whole;
  const bool limits_nothing = key == "cow_limit" && has_cows && is_volatile;
  return (is_ephemeral && !(is_volatile && is_rw)) || is_misplaced || limits_nothing
             ? std::optional("invalid_argument")
             : std::nullopt;
}

std::optional<std::string> Model::set_refusal(const Words& command) const {
  const std::string &name = command.at(1), &volume_name = command.at(2), &key = command.at(3);
  const Volume& volume = this->volume({name, volume_name});
  if (auto refused = property_refusal(volume, key, command.at(4))) return refused;
  const bool switches = key == "revisions_to_keep" && (volume.revisions == -1) != (command.at(4) == "-1");
  const bool is_for_start =
      key == "rw" || key == "write_policy" || key == "keep_changes" || key == "ephemeral";
  if (vms_.at(name).running && (is_for_start || switches)) return "running";
  if (switches && !running_snapshots(name, volume_name).empty()) return "running";
  return is_supported(volume.rules, key, command.at(4)) ? std::nullopt : std::optional("not_supported");
}

/// What a guest wrote into the image itself cannot be dropped.
std::optional<std::string> Model::discard_refusal(const std::string& name) const {
  const Vm& vm = vms_.at(name);
  const auto is_kept_back = [&](const auto& entry) { return is_undroppable(entry.second, vm.running); };
  return std::ranges::any_of(vm.volumes, is_kept_back) ? std::optional("not_supported") : std::nullopt;
}

bool Model::is_undroppable(const Volume& volume, bool is_running) {
  if (volume.kind != Kind::origin) return false;
  if (volume.rules.replaces_images) return volume.unclean_direct;
  if (!is_running) return false;
  return volume.revisions == -1 || (volume.wrote && volume.session_policy == "in-place");
}

// --- What was cut off

void Model::judge_stopped(const std::string& name, const Found& found, const std::string& by,
                          Verdict& verdict) const {
  for (const auto& [volume_name, volume] : vms_.at(name).volumes) {
    if (volume.kind != Kind::origin) continue;
    const auto& property = found.volumes.at(volume_name);
    const std::string label = fmt::format("{} {}", name, volume_name);
    if (!volume.rules.has_many_revisions) judge_revision(label, volume, property, by, verdict);
    if (volume.session)
      judge_session(label, volume, property, by, verdict);
    else
      judge_direct(label, volume, property, by, verdict);
    if (volume.rules.has_many_revisions) judge_older(label, volume, property, by, verdict);
  }
}

/// Only a commit takes away all that are not wanted. Its event goes before.
void Model::judge_older(const std::string& label, const Volume& volume, const Found::Property& property,
                        const std::string& by, Verdict& verdict) {
  if (!property.state) return;
  const bool is_committing = by == "stop" && volume.is_dirty();
  const std::size_t count = property.state->older.size();
  if (count >= static_cast<std::size_t>(std::max(volume.revisions, is_committing ? 0 : 1)))
    verdict.events.push_back(fmt::format("prune {} {}", label, count));
}

/// It goes before what takes its place is complete.
void Model::judge_revision(const std::string& label, const Volume& volume, const Found::Property& property,
                           const std::string& by, Verdict& verdict) {
  if (volume.older.empty() || !property.state || !property.state->older.empty()) return;
  const bool is_starting_direct = by == "start" && volume.revisions == -1;
  const bool is_committing = by == "stop" || (by == "start" && volume.is_to_be_converted());
  if (is_starting_direct || (volume.revisions == 0 && volume.wrote && is_committing))
    verdict.events.push_back("prune " + label + " 0");
}

void Model::judge_session(const std::string& label, const Volume& volume, const Found::Property& property,
                          const std::string& by, Verdict& verdict) const {
  if (property.dirty && property.has_session) {
    if (!volume.wrote) verdict.wrong.push_back(label + " is dirty, and nothing was written");
    return;
  }
  // With snapshots off a start makes what was uncommitted part of the volume.
  const bool is_made_part = volume.revisions == -1 && !volume.rules.replaces_images;
  const bool is_committed = by == "stop" || (by == "start" && (is_made_part || volume.is_to_be_converted()));
  if (is_committed && property.image && *property.image != *volume.session)
    verdict.wrong.push_back(label + " was committed, but not with all that was written");
  if (!is_committed && by != "discard" && volume.wrote && property.image != volume.committed)
    verdict.wrong.push_back(label + " is clean: its session is lost");
  verdict.events.push_back((is_committed ? "commit " : "drop ") + label);
  if (property.dirty && is_committed) verdict.events.push_back("unclean " + label);
}

void Model::judge_direct(const std::string& label, const Volume& volume, const Found::Property& property,
                         const std::string& by, Verdict& verdict) {
  if (property.dirty == volume.unclean_direct) return;
  if (property.dirty && by == "start" && volume.rules.copies_whole) {
    verdict.events.push_back("begun " + label);
  } else if (property.dirty && by == "start" && volume.revisions == -1) {
    verdict.events.push_back("unclean " + label);
  } else if (!property.dirty && by == "stop") {
    verdict.events.push_back("commit " + label);
    if (property.image && *property.image != volume.committed)
      verdict.wrong.push_back(label + " was stopped, but not with all that was written");
  } else {
    verdict.wrong.push_back(label +
                            (property.dirty ? " is dirty for no reason" : " is clean without a stop"));
  }
}

Model::Verdict Model::judge(const Words& command, const std::string& name, const Found& found) const {
  const std::string& what = command.at(0);
  Verdict verdict;
  const auto happened = [&](std::vector<std::string> events) {
    verdict.happened = true;
    verdict.events = std::move(events);
  };
  const bool is_here = has(name);
  if ((what == "create" || what == "clone") && !is_here) {
    const bool is_throwaway = what == "create" && command.at(1) == "throwaway";
    if (!found.exists) return verdict;
    if (found.running != is_throwaway) verdict.wrong.push_back(name + " is there, but only half");
    happened(events_of(command));
  } else if (!is_here) {
    if (found.exists) verdict.wrong.push_back(name + " is there again");
  } else if (what == "remove") {
    if (!found.exists) happened({"remove " + name});
  } else if (!found.exists) {
    if ((what == "stop" || what == "discard") && vms_.at(name).kind == "throwaway")
      happened({"stop " + name});
    else
      verdict.wrong.push_back(name + " is gone");
  } else if (what == "start" && !vms_.at(name).running) {
    if (found.running) {
      happened({"start " + name});
    } else {
      judge_kept(name, found, what, verdict);
      judge_stopped(name, found, "start", verdict);
    }
    verdict.is_down = !found.running;
  } else if ((what == "stop" || what == "discard") && vms_.at(name).running) {
    if (found.running) return verdict;
    if (vms_.at(name).kind == "throwaway")
      verdict.wrong.push_back(name + " is a throw-away VM and stopped, yet there");
    judge_kept(name, found, what, verdict);
    verdict.events.push_back("down " + name);
    judge_stopped(name, found, what, verdict);
    verdict.happened = verdict.is_down = true;
  } else if (what == "discard") {
    judge_stopped(name, found, what, verdict);
    verdict.is_down = true;
  } else if (changed_by(command)) {
    return judge_change(command, found);
  } else if (what == "create-volume" || what == "clone-volume" || what == "remove-volume") {
    const bool is_there = found.volumes.contains(command.at(2));
    const bool was_there = vms_.at(name).volumes.contains(command.at(2));
    if (is_there != was_there) happened({join(command)});
  } else if (what == "template" || what == "kernel") {
    if ((what == "kernel" ? found.kernel : found.above) == command.at(2)) happened({join(command)});
  } else if (what == "set") {
    const auto& property = found.volumes.at(command.at(2));
    const std::map<std::string, std::string> values{
        {"rw", property.rw ? "true" : "false"},
        {"revisions_to_keep", property.has_own_revisions ? std::to_string(property.revisions) : "default"},
        {"ephemeral", !property.ephemeral   ? "default"
                      : *property.ephemeral ? "true"
                                            : "false"},
        {"keep_changes", property.keep_changes ? "true" : "false"},
        {"write_policy", property.policy}};
    const auto value = values.find(command.at(3));
    if (value != values.end() && value->second == command.at(4)) happened({join(command)});
  }
  return verdict;
}

Model::Sectors Model::judge_image(const std::string& name, const std::string& volume_name,
                                  const Content& image) const {
  const Volume& volume = vms_.at(name).volumes.at(volume_name);
  const Content& newest = volume.seen();
  Sectors result;
  if (image.size() != newest.size()) {
    result.wrong.push_back(name + ":" + volume_name + ": the image has another size");
    return result;
  }
  for (std::uint64_t at = 0; at < newest.size(); at += sector) {
    if (image.compare(at, sector, newest, at, sector) == 0) continue;
    const Content value = image.substr(at, sector);
    const std::uint64_t number = at / sector;
    result.data.append(reinterpret_cast<const char*>(&number), sizeof number).append(value);
    const auto older = volume.unsynced.find(number);
    if (older == volume.unsynced.end() || std::ranges::find(older->second, value) == older->second.end())
      result.wrong.push_back(
          fmt::format("{}:{}: sector {} {}", name, volume_name, number,
                      older == volume.unsynced.end() ? "was synced and is lost" : "holds what nobody wrote"));
  }
  return result;
}

}  // namespace cowshed::test::model
