// SPDX-License-Identifier: Apache-2.0
// Model: what changes a volume as a whole.
#include "support/model.h"

namespace cowshed::test::model {

std::optional<Target> Model::changed_by(const Words& command) const {
  if (command.at(0) == "revert") return Target{command.at(1), command.at(2)};
  return std::nullopt;
}

std::optional<std::string> Model::change_refusal(const Words& command) const {
  const Target target = changed_by(command).value();
  const Volume& changed = volume(target);
  if (changed.kind != Kind::origin) return "not_supported";
  if (vms_.at(target.vm).running) return "running";
  if (changed.is_dirty()) return "dirty";
  if (command.at(0) == "revert" && !changed.revision) return "not_found";
  return std::nullopt;
}

void Model::change(Volume& volume, const Words& /*words*/) {
  std::swap(volume.committed, volume.revision.value());
  ++volume.generation;
  ++volume.changes;
}

/// All of it, or nothing: the older state included.
Model::Verdict Model::judge_change(const Words& command, const Found& found) const {
  const Target target = changed_by(command).value();
  Verdict verdict;
  if (change_refusal(command)) return verdict;
  Model with = *this;
  for (const auto& event : events_of(command)) with.apply(event);
  const auto& state = found.volumes.at(target.volume).state;
  verdict.happened = state == with.volume(target).state();
  if (verdict.happened)
    verdict.events = events_of(command);
  else if (state != volume(target).state())
    verdict.wrong.push_back(target.label() + " is neither as it was nor as it was to become");
  return verdict;
}

}  // namespace cowshed::test::model
