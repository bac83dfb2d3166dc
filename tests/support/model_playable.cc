// SPDX-License-Identifier: Apache-2.0
// Model: of which commands it can be told what becomes of them.
#include <algorithm>
#include <utility>

#include "support/model.h"

namespace cowshed::test::model {

/// Has a volume with snapshots off, or a snapshot of one; or commits what another one snapshots.
bool Model::is_exclusive(const std::string& vm) const {
  return std::ranges::any_of(vms_.at(vm).volumes, [&](const auto& volume) {
    const bool is_snapshot = volume.second.kind == Kind::snapshot;
    const Volume& written = is_snapshot ? source(vm, volume.first) : volume.second;
    const bool is_source_no_state = written.rules.replaces_images && written.unclean_direct;
    return written.revisions == -1 || written.is_to_be_converted() || is_source_no_state;
  });
}

/// For which state of the source its changes are good depends on what the others have come to.
bool Model::keeps_changes(const std::string& vm) const {
  return std::ranges::any_of(vms_.at(vm).volumes,
                             [](const auto& volume) { return volume.second.keep_changes; });
}

bool Model::goes_with_others(const std::string& what, const std::string& vm) const {
  return !keeps_changes(vm) && (what == "stop" || !is_exclusive(vm));
}

/// Cut off, nobody could tell whether it had happened.
bool Model::is_repetition(const Words& words) const {
  if (refusal(words, words[1])) return false;
  Model with = *this;
  with.apply(join(words));
  const Target changed = changed_by(words).value();
  const Volume &after = std::as_const(with).volume(changed), &before = volume(changed);
  return after.state() == before.state() && after.image_state != before.image_state;
}

bool Model::is_tellable(const Words& command) const {
  const std::string& what = command.at(0);
  if (what == "promote") {
    const auto& kept = volume({command.at(1), command.at(2)}).kept;
    const bool is_unknown = kept && kept->is_unknown && !vms_.at(command.at(1)).running;
    return !is_unknown && !is_repetition(command);
  }
  if (what == "revert")
    return !volume({command.at(1), command.at(2)}).rules.replaces_images || !is_repetition(command);
  const auto from = what == "import" ? value_of("from", command.at(3)) : std::nullopt;
  if (!from) return true;
  const Target target{command.at(1), command.at(2)};
  if (*from == target.text()) return !volume(target).rules.copies_whole;
  return volume(Target::parse(*from)).committed != volume({command.at(1), command.at(2)}).committed;
}

/// `write VM VOLUME OFFSET LENGTH SEED`, `sync VM VOLUME`, `write-read-only VM VOLUME`
bool Model::can_be_guests(const Words& step) const {
  if (!vms_.at(step.at(1)).running || !has_volume({step.at(1), step.at(2)})) return false;
  const Volume& volume = this->volume({step.at(1), step.at(2)});
  if (volume.rw == (step.at(0) == "write-read-only")) return false;
  return step.at(0) != "write" || std::stoull(step.at(3)) + std::stoull(step.at(4)) <= volume.size_now();
}

/// Beside a pool that is there, where it says so.
bool Model::is_addable(const Words& command) const {
  return command.size() < 4 || settings_.pools.contains(value_of("at", command.at(3)).value());
}

bool Model::is_playable(const Words& command) const {
  const std::string& what = command.at(0);
  if (what == "create") return command.at(3) == "-" || has(command.at(3));
  if (what == "clone" || what == "recover") return what == "recover" || has(command.at(1));
  if (is_about_settings(command)) return what != "pool-add" || is_addable(command);
  const Words vms = vms_of(command);
  if (!std::ranges::all_of(vms, [&](const auto& vm) { return has(vm); })) return false;
  if (what == "start" || what == "stop")
    return vms.size() == 1 ||
           std::ranges::all_of(vms, [&](const auto& vm) { return goes_with_others(what, vm); });
  if (what == "write" || what == "sync" || what == "write-read-only") return can_be_guests(command);
  if (what == "template") return has(command.at(2));
  if (what == "kernel") return true;
  if (what == "clone-volume" || (what == "import" && value_of("from", command.at(3))))
    if (!has_volume(Target::parse(value_of("from", command.at(3)).value()))) return false;
  if (what == "create-volume" || what == "clone-volume") return true;
  if (command.size() > 2 && !has_volume({command.at(1), command.at(2)})) return false;
  return is_tellable(command);
}

}  // namespace cowshed::test::model
