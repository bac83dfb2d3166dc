// SPDX-License-Identifier: Apache-2.0
// Model: what changes a volume as a whole.
#include <utility>

#include "support/model.h"

namespace cowshed::test::model {

std::optional<Target> Model::changed_by(const Words& command) const {
  const std::string& what = command.at(0);
  if (what != "revert" && what != "import" && what != "resize") return std::nullopt;
  return Target{command.at(1), command.at(2)};
}

// --- Refusals

std::optional<std::string> Model::unsettled(const Target& target) const {
  if (vms_.at(target.vm).running) return "running";
  return volume(target).is_dirty() ? std::optional("dirty") : std::nullopt;
}

std::optional<std::string> Model::change_refusal(const Words& command) const {
  const std::string& what = command.at(0);
  const Target target = changed_by(command).value();
  if (what == "resize") return resize_refusal(command);
  if (volume(target).kind != Kind::origin) return "not_supported";
  if (what == "import")
    if (auto refused = import_refusal(command)) return refused;
  if (auto refused = unsettled(target)) return refused;
  if (what == "revert" && !volume(target).revision) return "not_found";
  return std::nullopt;
}

std::optional<std::string> Model::import_refusal(const Words& command) const {
  const auto from = value_of("from", command.at(3));
  if (!from) return std::nullopt;
  if (*from == Target{command.at(1), command.at(2)}.text()) return "invalid_argument";
  return export_refusal(Target::parse(*from));
}

std::optional<std::string> Model::export_refusal(const Target& from) const {
  if (!has(from.vm)) return "not_found";
  const Volume& exported = volume(from);
  if (exported.kind != Kind::origin) return "not_supported";
  return vms_.at(from.vm).running && exported.revisions == -1 ? std::optional("in_use") : std::nullopt;
}

std::optional<std::string> Model::resize_refusal(const Words& command) const {
  const Target target = changed_by(command).value();
  const Volume& resized = volume(target);
  if (resized.kind == Kind::snapshot) return "not_supported";
  if (!resized.rw) return "invalid_argument";
  const std::size_t size = std::stoull(command.at(3));
  if (size >= resized.told_size()) return std::nullopt;
  if (command.size() < 5) return "invalid_argument";
  return unsettled(target);
}

// --- What they come to

void Model::change(Volume& volume, const Words& words) {
  const std::string& what = words.at(0);
  const std::string& vm = words.at(1);
  if (what == "resize") return resize(volume, std::stoull(words.at(3)), vms_.at(vm).running);
  if (what == "import") return import(volume, words.at(3));
  Content now = volume.revision.value();
  volume.revision = std::exchange(volume.committed, std::move(now));
  ++volume.generation;
  ++volume.changes;
}

void Model::import(Volume& volume, const std::string& from) {
  Content content;
  if (const auto source = value_of("from", from)) {
    content = this->volume(Target::parse(*source)).committed;
  } else {
    content = image_content(value_of("image", from).value());
    content.resize((content.size() + sector - 1) / sector * sector);
  }
  volume.keep_revision();
  volume.committed = std::move(content);
  ++volume.generation;
  ++volume.changes;
}

/// Larger: what snapshots start from grows only where the guest does not write that itself. Smaller: a
/// commit.
void Model::resize(Volume& volume, std::size_t size, bool is_running) {
  const bool grows = size >= volume.told_size();
  volume.size = size;
  if (volume.kind != Kind::origin) {
    if (is_running) volume.own.resize(size);
  } else if (!grows) {
    volume.keep_revision();
    volume.committed.resize(size);
    ++volume.generation;
    ++volume.changes;
  } else {
    if (!volume.session || volume.session_policy == "overlay") volume.committed.resize(size);
    if (volume.session) volume.session->resize(size);
  }
}

// --- What was cut off

bool Model::is_as_found(const Words& command, const Found::Property& property) const {
  const Volume& changed = volume(changed_by(command).value());
  if (property.size != changed.told_size()) return false;
  if (property.device_size && *property.device_size != changed.size_now()) return false;
  // What grows may hold what was never synced.
  return command.at(0) == "resize" || property.state == changed.state();
}

/// All of it, or nothing: the older state included.
Model::Verdict Model::judge_change(const Words& command, const Found& found) const {
  const Target target = changed_by(command).value();
  Verdict verdict;
  if (change_refusal(command)) return verdict;
  const auto& property = found.volumes.at(target.volume);
  Model with = *this;
  for (const auto& event : events_of(command)) with.apply(event);
  verdict.happened = with.is_as_found(command, property);
  if (verdict.happened)
    verdict.events = events_of(command);
  else if (volume(target).kind == Kind::volatile_ && property.size == volume(target).size &&
           property.device_size == with.volume(target).size)
    verdict.events = {"extend " + target.label() + " " + command.at(3)};
  else if (!is_as_found(command, property))
    verdict.wrong.push_back(target.label() + " is neither as it was nor as it was to become");
  return verdict;
}

}  // namespace cowshed::test::model
