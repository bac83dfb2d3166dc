// SPDX-License-Identifier: Apache-2.0
#include "support/model.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <sstream>
#include <stdexcept>

namespace cowshed::test::model {

Words split(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string join(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string pattern(std::uint64_t seed, std::size_t length) {
  std::mt19937_64 random(seed);
  std::string bytes(length, '\0');
  for (std::size_t at = 0; at < length; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + at, &value, std::min(sizeof value, length - at));
  }
  return bytes;
}

Content image_content(const std::string& image) {
  const auto colon = image.find(':');
  return pattern(std::stoull(image), std::stoull(image.substr(colon + 1)));
}

std::optional<std::string> value_of(const std::string& key, const std::string& word) {
  if (!word.starts_with(key + "=")) return std::nullopt;
  return word.substr(key.size() + 1);
}

const Content& Volume::seen() const {
  if (kind != Kind::origin) return own;
  return session ? *session : committed;
}
Content& Volume::seen() { return const_cast<Content&>(static_cast<const Volume*>(this)->seen()); }

std::uint64_t Volume::next_image_state() {
  static std::uint64_t last = 0;
  return ++last;
}

State Volume::state() const {
  State state{.committed = committed, .older = {}};
  for (const auto& revision : older) state.older.push_back(revision.content);
  return state;
}

void Volume::keep_older() {
  if (!rules.has_many_revisions) older.clear();
  if (revisions > 0) older.push_back({committed, image_state});
}

void Volume::prune(std::size_t most) {
  if (older.size() > most) older.erase(older.begin(), older.end() - static_cast<std::ptrdiff_t>(most));
}

std::size_t Volume::kept_for_sure() const {
  return std::min(older.size(), static_cast<std::size_t>(std::max(revisions, 1)));
}

// --- Events

void Model::commit(Volume& volume) {
  if (volume.session && volume.wrote) volume.keep_older();
  volume.committed = volume.seen();
  volume.session.reset();
  volume.changes += volume.wrote ? 1 : 0;
  if (volume.wrote) volume.change_image();
  volume.wrote = volume.unclean_direct = false;
  volume.unsynced.clear();
  ++volume.generation;
}

/// The last thing that a commit does; where there is but one revision it has taken the place of the older
/// one.
void Model::prune(Volume& volume) const {
  if (volume.rules.has_many_revisions && !is_half_)
    volume.prune(static_cast<std::size_t>(std::max(volume.revisions, 0)));
}

void Model::drop(Volume& volume) {
  volume.session.reset();
  volume.wrote = false;
}

void Model::apply(const std::string& event, const std::string& data) {
  const Words words = split(event);
  const std::string& what = words.at(0);
  if (what == "power-cut") return power_cut();
  if (what == "half") {
    is_half_ = true;
    apply(event.substr(what.size() + 1), data);
    is_half_ = false;
    return;
  }
  if (what == "create") return create(words);
  if (what == "clone") return clone(words.at(1), words.at(2));
  if (is_about_settings(words)) return change_settings(words);
  if (what == "create-volume") return create_volume(words);
  if (what == "clone-volume") return clone_volume(words);
  const std::string& name = words.at(1);
  if (what == "template" || what == "kernel") {
    (what == "kernel" ? vms_.at(name).kernel : vms_.at(name).above) = words.at(2);
    return;
  }
  if (what == "remove-volume") {
    vms_.at(name).volumes.erase(words.at(2));
    return;
  }
  if (what == "remove") {
    vms_.erase(name);
    return;
  }
  if (what == "start") return start(name);
  if (what == "stop") return stop(name);
  if (what == "down") return down(name);
  if (what == "discard") return discard(name);
  Volume& volume = vms_.at(name).volumes.at(words.at(2));
  if (what == "set") return set(volume, words.at(3), words.at(4));
  if (what == "write")
    return write(volume, std::stoull(words.at(3)), std::stoull(words.at(4)), std::stoull(words.at(5)));
  if (what == "sync") return volume.unsynced.clear();
  if (what == "adopt") {
    // When the image was written last may be lost with what was written.
    if (!volume.unsynced.empty() && !is_image_safe(volume)) mistrust_kept({name, words.at(2)});
    return adopt(volume, data);
  }
  if (what == "promote") return promote({name, words.at(2)});
  if (what == "keep") return keep({name, words.at(2)}, words.at(3) == "good", words.at(4) == "written");
  if (what == "lose") return volume.kept.reset();
  if (what == "unsure") {
    volume.kept = Kept{.content = {}, .wrote = false, .good_for = {}, .is_unknown = true};
    return;
  }
  if (what == "commit") return commit(volume);
  if (what == "drop") return drop(volume);
  if (what == "prune") return volume.prune(std::stoull(words.at(3)));
  if (what == "touch") {
    volume.wrote = true;
    return;
  }
  if (what == "extend") return volume.own.resize(std::stoull(words.at(3)));
  if (changed_by(words)) return change(volume, words);
  if (what == "export") return;
  if (what == "begun") return start_origin(volume);
  if (what != "unclean") throw std::logic_error("unknown event " + event);
  volume.unclean_direct = true;
}

Volume new_volume(Kind kind, std::size_t size) {
  Volume volume;
  volume.kind = kind;
  volume.size = size;
  if (kind == Kind::origin) volume.committed.assign(size, '\0');
  return volume;
}

namespace {

void put_image(Volume& root, const std::string& image) {
  const auto content = image_content(image);
  root.committed.replace(0, content.size(), content);
}

}  // namespace

void Model::create(const Words& words) {
  Vm vm{.kind = words.at(1), .above = words.at(3) == "-" ? "" : words.at(3), .running = false, .volumes = {}};
  std::map<std::string, std::string> wishes;
  for (std::size_t i = 4; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    wishes[words[i].substr(0, equals)] = words[i].substr(equals + 1);
  }
  const auto size = [&](const char* name) { return wishes.contains(name) ? std::stoull(wishes[name]) : 0; };
  if (!vm.above.empty()) vm.kernel = vms_.at(vm.above).kernel;
  const bool is_disposable = vm.kind == "disposable" || vm.kind == "throwaway";
  vm.volumes["root"] = new_volume(vm.above.empty() ? Kind::origin : Kind::snapshot, size("root"));
  if (vm.kind == "template") vm.volumes["root"].policy = "overlay";
  vm.volumes["private"] = new_volume(is_disposable ? Kind::snapshot : Kind::origin, size("private"));
  vm.volumes["volatile"] = new_volume(Kind::volatile_, size("volatile"));
  if (wishes.contains("image")) put_image(vm.volumes["root"], wishes["image"]);
  take_over(vm);
  place(vm, wishes);
  vms_[words.at(2)] = std::move(vm);
}

void Model::start(const std::string& name) {
  Vm& vm = vms_.at(name);
  vm.running = true;
  for (auto& [volume_name, volume] : vm.volumes) {
    if (volume.kind == Kind::volatile_) volume.own.assign(volume.size, '\0');
    volume.is_encrypted = is_encrypting(volume);
    if (volume.kind == Kind::snapshot) start_snapshot({name, volume_name});
    if (volume.kind == Kind::origin) start_origin(volume);
  }
}

void Model::start_snapshot(const Target& target) {
  Volume& started = volume(target);
  const Volume& from = source(target.vm, target.volume);
  started.own = from.committed;
  started.wrote = false;
  started.unsynced.clear();
  started.kept.reset();
  started.source_image = from.committed_image();
  started.source_generation = from.generation;
  started.source_changes = from.changes;
}

void Model::start_origin(Volume& volume) {
  ++volume.generation;
  if (volume.rules.copies_whole) return start_copied(volume);
  if (volume.rules.replaces_images) return start_in_own_file(volume);
  if (volume.revisions == -1) {
    // What was uncommitted is part of it from here on.
    if (volume.session) volume.change_image();
    volume.committed = volume.seen();
    volume.session.reset();
    volume.older.clear();
    volume.unclean_direct = true;
    return;
  }
  if (volume.is_to_be_converted()) commit(volume);
  if (volume.session && volume.wrote) return;
  volume.session = volume.committed;
  volume.session_policy = volume.policy;
  volume.wrote = false;
}

/// What was cut off goes on as what it was, even if snapshots were switched off or on meanwhile.
void Model::start_in_own_file(Volume& volume) {
  if (volume.is_dirty()) return;
  volume.session.reset();
  volume.unclean_direct = volume.revisions == -1;
  if (volume.unclean_direct) return;
  volume.session = volume.committed;
  volume.session_policy = "own-file";
  volume.wrote = false;
}

void Model::start_copied(Volume& volume) {
  if (volume.session) return;
  volume.session = volume.committed;
  volume.session_policy = "copy";
  volume.wrote = true;
}

void Model::stop(const std::string& name) {
  Vm& vm = vms_.at(name);
  if (!vm.running) return;
  if (vm.kind == "throwaway") {
    vms_.erase(name);
    return;
  }
  for (auto& [volume_name, volume] : vm.volumes)
    if (volume.keep_changes) keep({name, volume_name}, true, differs_from_source({name, volume_name}));
  down(name);
  for (auto& [volume_name, volume] : vm.volumes) {
    if (volume.kind != Kind::origin) continue;
    const bool commits = volume.is_dirty();
    commit(volume);
    if (commits) prune(volume);
  }
}

/// Its guest wrote; or, where a session is a file of its own, the source has become another.
bool Model::differs_from_source(const Target& target) const {
  const Volume& snapshot = volume(target);
  if (snapshot.wrote || !snapshot.rules.replaces_images) return snapshot.wrote;
  return snapshot.source_image != source(target.vm, target.volume).committed_image();
}

void Model::discard(const std::string& name) {
  Vm& vm = vms_.at(name);
  if (vm.kind == "throwaway") return stop(name);
  for (auto& [volume_name, volume] : vm.volumes) {
    // Of one that does not run nothing is dropped that is in the image.
    if (volume.session && (vm.running || !volume.is_image_open())) drop(volume);
  }
  down(name);
}

void Model::down(const std::string& name) {
  Vm& vm = vms_.at(name);
  vm.running = false;
  for (auto& [volume_name, volume] : vm.volumes) volume.own.clear();
}

void Model::set(Volume& volume, const std::string& key, const std::string& value) const {
  if (key == "rw") volume.rw = value == "true" || rules().forgets_read_only;
  if (key == "keep_changes") volume.keep_changes = value == "true";
  if (key == "write_policy") volume.policy = value;
  if (key == "ephemeral")
    volume.ephemeral = value == "default" ? std::nullopt : std::optional(value == "true");
  if (key != "revisions_to_keep") return;
  volume.has_own_revisions = value != "default";
  volume.revisions = volume.has_own_revisions ? std::stoi(value) : settings_.pools.at(volume.pool).revisions;
}

void Model::write(Volume& volume, std::size_t offset, std::size_t length, std::uint64_t seed) {
  Content& content = volume.seen();
  if (volume.kind == Kind::origin || volume.keep_changes)
    for (std::size_t at = offset; at < offset + length; at += sector)
      volume.unsynced[at / sector].push_back(content.substr(at, sector));
  content.replace(offset, length, pattern(seed, length));
  volume.wrote = true;
  if (volume.kind == Kind::origin && (!volume.session || volume.is_image_open())) volume.change_image();
}

void Model::adopt(Volume& volume, const std::string& data) {
  for (std::size_t at = 0; at < data.size(); at += sizeof(std::uint64_t) + sector) {
    std::uint64_t number = 0;
    std::memcpy(&number, data.data() + at, sizeof number);
    volume.seen().replace(number * sector, sector, data.substr(at + sizeof number, sector));
  }
  volume.unsynced.clear();
}

/// Nobody writes it while the session goes on.
bool Model::is_image_safe(const Volume& volume) { return volume.rules.replaces_images && volume.session; }

void Model::power_cut() {
  std::erase_if(vms_, [](const auto& vm) { return vm.second.kind == "throwaway"; });
  for (auto& [name, vm] : vms_) {
    down(name);
    for (const auto& [volume_name, volume] : vm.volumes)
      if (volume.kind == Kind::origin && volume.is_dirty() && !is_image_safe(volume))
        mistrust_kept({name, volume_name});
  }
}

Words Model::vms_of(const Words& command) {
  const std::string& what = command.at(0);
  if (what == "create" || what == "clone") return {command.at(2)};
  if (is_about_settings(command)) return {installation};
  if (what == "recover") return {};
  if (what == "start" || what == "stop") return {command.begin() + 1, command.end()};
  return {command.at(1)};
}

std::vector<std::string> Model::events_of(const Words& command) {
  const std::string& what = command.at(0);
  if (what == "recover") return {};
  if (what == "create" && command.at(1) == "throwaway") return {join(command), "start " + command.at(2)};
  if (what != "start" && what != "stop") return {join(command)};
  std::vector<std::string> events;
  for (const auto& vm : vms_of(command)) events.push_back(fmt::format("{} {}", what, vm));
  return events;
}

}  // namespace cowshed::test::model
