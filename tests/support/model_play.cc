// SPDX-License-Identifier: Apache-2.0
#include "support/model_play.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace cowshed::test::model {

namespace {

std::string describe(const CutOff& cut_off) {
  if (cut_off.by_command_line && !cut_off.fault && !cut_off.is_done_first) return "  (by the command line)";
  if (cut_off.is_done_first) return "  (killed when done)";
  if (!cut_off.fault) return {};
  return fmt::format("  ({} at {} {})", cut_off.fault->action, cut_off.fault->calls, cut_off.fault->at);
}

/// What it declares is what the game holds it to.
Rules rules_of(const std::string& driver) {
  const auto& capabilities = pools::find_driver(driver).capabilities;
  const auto can = [&](pools::Capability what) { return std::ranges::count(capabilities, what) > 0; };
  return {.replaces_images = !can(pools::Capability::overlay),
          .has_many_revisions = can(pools::Capability::many_revisions)};
}

}  // namespace

Play::Play(const std::string& driver, std::uint64_t seed, const Path& directory, const Path& run,
           Journal* journal)
    : model_(rules_of(driver)),
      world_(driver, directory, run),
      generator_(seed, model_, tally_),
      journal_(journal) {}

void Play::require_all() {
  tally_.require("operations", {"create-template", "create-standalone", "create-app", "create-disposable",
                                "create-throwaway", "remove", "clone", "recover", "refused"});
  tally_.require("operations", {"start", "start-several", "stop", "stop-several", "commit", "discard",
                                "dropped", "write", "sync", "write-to-read-only"});
  tally_.require("operations", {"set-rw", "set-revisions_to_keep", "set-keep_changes"});
  tally_.require("operations", {"revert", "import-file", "import-volume", "resize-grow-stopped",
                                "resize-shrink", "resize-volatile", "promote-running", "promote-stopped"});
  require_what_the_driver_can();
  tally_.require("killed in", {"create", "remove", "start", "stop", "set", "recover", "discard", "revert",
                               "import", "resize", "promote", "clone"});
  tally_.require("carried out by", {"command-line", "app-layer"});
  tally_.require("killed", {"kill", "kill-after", "between"});
  tally_.require("killed at", Generator::points());
  tally_.require("after a kill", {"happened", "did-not-happen"});
  tally_.require("compared", {"template:origin", "app:origin", "standalone:origin", "app:snapshot",
                              "disposable:snapshot", "throwaway:snapshot", "app:volatile", "read-only:origin",
                              "read-only:snapshot", "read-only:volatile", "revisions:0", "revisions:1",
                              "revisions:-1", "committed-image", "uncommitted-image", "revision", "kept"});
}

void Play::require_what_the_driver_can() {
  if (model_.rules().replaces_images) {
    tally_.require("operations", {"resize-grow-own-file"});
  } else {
    tally_.require("operations", {"set-write_policy", "resize-grow-in-place", "resize-grow-overlay"});
    tally_.require("compared", {"policy:in-place", "policy:overlay"});
  }
  if (!model_.rules().has_many_revisions) return;
  tally_.require("operations", {"revert-to-older"});
  tally_.require("compared", {"several-revisions"});
}

void Play::record(const std::string& event, const std::string& data) {
  if (journal_ != nullptr) journal_->append(event, data);
  model_.apply(event, data);
}

void Play::count(const std::string& group, const std::string& key) {
  tally_.add(group, key);
  if (journal_ != nullptr) journal_->append("count", group + "\n" + key);
}

void Play::fail(const std::vector<std::string>& wrong) {
  throw Difference(fmt::format("{}\nat step {}; what was done last:\n  {}", fmt::join(wrong, "\n"), steps(),
                               fmt::join(history_, "\n  ")));
}

void Play::remember(const std::string& what) {
  constexpr std::size_t most = 60;
  history_.push_back(fmt::format("{} {}", steps(), what));
  static const bool is_told = std::getenv("COWSHED_MODEL_VERBOSE") != nullptr;
  if (is_told) fmt::print(stderr, "{}\n", history_.back());
  if (history_.size() > most) history_.pop_front();
}

// --- A step

void Play::step() {
  count("steps", "all");
  try {
    do_step();
  } catch (const Error& error) {
    fail({error.message()});
  }
}

bool Play::do_opening() {
  const auto commands = generator_.opening();
  const auto next = steps() - 1;
  if (next >= commands.size()) return false;
  CutOff cut_off;
  cut_off.is_only_counted = true;
  do_command(commands[next], cut_off);
  return true;
}

void Play::do_step() {
  if (do_opening()) return compare();
  const std::string what = generator_.choose_operation();
  if (what == "write") {
    write();
  } else if (const auto command = generator_.command(what)) {
    CutOff cut_off = choose_kill(command->at(0));
    cut_off.by_command_line = generator_.chance(50);
    do_command(*command, cut_off);
  }
  compare();
}

CutOff Play::choose_kill(const std::string& what) {
  CutOff cut_off;
  cut_off.is_only_counted = generator_.is_to_be_counted(what);
  const bool is_due = tally_.count("killed in", what) == 0;
  if (cut_off.is_only_counted || !(is_due || generator_.chance(50))) return cut_off;
  cut_off.is_done_first = !is_due && generator_.chance(15);
  if (!cut_off.is_done_first)
    cut_off.fault = generator_.fault(what, generator_.chance(50) ? "kill" : "kill-after");
  return cut_off;
}

void Play::do_command(const Words& command, const CutOff& cut_off) {
  remember(fmt::format("{}{}", join(command), describe(cut_off)));
  for (const auto& word : command)
    if (word.starts_with("image=")) world_.make_image(word.substr(6));
  if (journal_ != nullptr) journal_->append("begin " + join(command));
  const Carried carried = world_.carry_out(command, cut_off);
  count("carried out by", world_.is_by_command_line(command, cut_off) ? "command-line" : "app-layer");
  if (carried.killed && !cut_off.is_done_first)
    account_kill(command, cut_off, carried);
  else
    account(command, carried);
  if (cut_off.is_only_counted) generator_.learn(command[0], carried.calls);
  if (journal_ != nullptr) journal_->append("end");
  if (cut_off.is_done_first) {
    count("killed", "between");
    kill_recovery_too();
  } else if (cut_off.fault && !carried.killed) {
    generator_.learn(command[0], *cut_off.fault, carried.count);
  }
}

/// It answered: each VM's outcome must be what the model says.
void Play::account(const Words& command, const Carried& carried) {
  history_.back() += "  -> " + (carried.outcome.empty() ? "" : carried.outcome.begin()->second);
  std::vector<std::string> wrong;
  for (const auto& vm : Model::vms_of(command)) {
    const auto expected = model_.refusal(command, vm);
    const std::string got = carried.outcome.contains(vm) ? carried.outcome.at(vm) : "nothing";
    if (got != expected.value_or("ok"))
      wrong.push_back(fmt::format("{}: {} answered {}, not {}: {}", join(command), vm, got,
                                  expected.value_or("ok"), carried.text));
    count_command(command, vm, expected.has_value());
    if (expected) continue;
    if (command[0] == "start" || command[0] == "stop")
      record(command[0] + " " + vm);
    else
      for (const auto& event : Model::events_of(command)) record(event);
  }
  if (Model::vms_of(command).empty()) count_command(command, {}, false);
  if (Model::vms_of(command).size() > 1) count("operations", command[0] + "-several");
  if (!wrong.empty()) fail(wrong);
}

namespace {

bool is_written(const std::pair<const std::string, Volume>& volume) {
  return volume.second.kind == Kind::origin && volume.second.wrote;
}

}  // namespace

void Play::count_command(const Words& command, const std::string& vm, bool is_refused) {
  count("operations", is_refused ? "refused" : model_.operation_of(command));
  if (is_refused || (command[0] != "stop" && command[0] != "discard")) return;
  const auto& volumes = model_.vms().at(vm).volumes;
  if (std::ranges::any_of(volumes, is_written))
    count("operations", command[0] == "stop" ? "commit" : "dropped");
}

void Play::account_kill(const Words& command, const CutOff& cut_off, const Carried& carried) {
  history_.back() += "  -> killed at " + carried.hit.value_or("?");
  count("killed in", command[0]);
  count("killed", cut_off.fault->action);
  count("killed at", Generator::point_of(*cut_off.fault));
  kill_recovery_too();
  std::vector<std::string> wrong;
  for (const auto& vm : Model::vms_of(command)) {
    const auto expected = model_.refusal(command, vm);
    const auto changed = model_.changed_by(command);
    const std::string& name = changed ? changed->vm : vm;
    const auto verdict = model_.judge(command, name, world_.find(name, false));
    wrong.insert(wrong.end(), verdict.wrong.begin(), verdict.wrong.end());
    if (expected && verdict.happened && *expected != "not_found" && command[0] != "set")
      wrong.push_back(fmt::format("{}: {} was to be refused ({})", join(command), vm, *expected));
    if (!expected) count("after a kill", verdict.happened ? "happened" : "did-not-happen");
    history_.back() += verdict.happened ? ", happened" : ", did not happen";
    for (const auto& event : verdict.events) record(event);
  }
  if (!wrong.empty()) fail(wrong);
}

/// A second crash, while the first is put right.
void Play::kill_recovery_too() {
  if (!generator_.chance(35)) return;
  const auto fault = generator_.fault("recover", generator_.chance(50) ? "kill" : "kill-after");
  const Carried carried = world_.carry_out({"recover"}, only(fault));
  if (!carried.killed) return generator_.learn("recover", fault, carried.count);
  remember(fmt::format("recover  (killed at {} {})", fault.calls, fault.at));
  count("killed in", "recover");
  count("killed at", Generator::point_of(fault));
}

// --- Guests

void Play::write() {
  if (generator_.chance(10) || tally_.count("operations", "write-to-read-only") == 0) write_read_only();
  const auto target = generator_.running_volume(true);
  if (!target) return;
  const auto& [vm, name] = *target;
  const Volume& volume = model_.vms().at(vm).volumes.at(name);
  for (auto times = generator_.between(1, 6); times > 0; --times) {
    const std::size_t sectors = volume.size_now() / sector;
    const std::size_t first = generator_.between(0, sectors - 1);
    const std::size_t most = generator_.chance(70) ? 40 : 512;
    const std::size_t length = generator_.between(1, std::min(most, sectors - first));
    const std::uint64_t seed = generator_.between(1, 1u << 30);
    record(fmt::format("write {} {} {} {} {}", vm, name, first * sector, length * sector, seed));
    remember(fmt::format("write {}:{} sectors {}+{}", vm, name, first, length));
    if (!world_.write(vm, name, first * sector, pattern(seed, length * sector)))
      fail({fmt::format("{}:{} refuses a write", vm, name)});
    count("operations", "write");
  }
  if (!generator_.chance(50)) return;
  world_.sync(vm, name);
  record(fmt::format("sync {} {}", vm, name));
  count("operations", "sync");
}

void Play::write_read_only() {
  const auto target = generator_.running_volume(false);
  if (!target) return;
  if (world_.write(target->vm, target->volume, 0, pattern(0, sector)))
    fail({fmt::format("{}:{} is read-only and was written", target->vm, target->volume)});
  count("operations", "write-to-read-only");
}

// --- Comparing

void Play::compare() {
  forget_surplus();
  auto wrong = world_.compare(model_);
  const auto left = world_.leftovers(model_);
  wrong.insert(wrong.end(), left.begin(), left.end());
  if (!wrong.empty()) fail(wrong);
  count_compared();
}

/// Any recovery may have taken them away.
void Play::forget_surplus() {
  for (const auto& target : model_.with_surplus()) {
    const std::size_t count = world_.count_revisions(target);
    if (count >= std::as_const(model_).volume(target).kept_for_sure())
      record(fmt::format("prune {} {}", target.label(), count));
  }
}

void Play::count_compared() {
  for (const auto& [name, vm] : model_.vms())
    for (const auto& [volume_name, volume] : vm.volumes)
      if (vm.running)
        count_volume(vm, volume);
      else
        count_stopped(volume);
}

void Play::count_stopped(const Volume& volume) {
  if (volume.kept && !volume.kept->is_unknown) tally_.add("compared", "kept");
  if (volume.kind != Kind::origin) return;
  tally_.add("compared", volume.session ? "uncommitted-image" : "committed-image");
  if (!volume.older.empty()) tally_.add("compared", "revision");
  if (volume.older.size() > 1) tally_.add("compared", "several-revisions");
}

void Play::count_volume(const Vm& vm, const Volume& volume) {
  static const std::map<Kind, std::string> names{
      {Kind::origin, "origin"}, {Kind::snapshot, "snapshot"}, {Kind::volatile_, "volatile"}};
  const std::string& kind = names.at(volume.kind);
  tally_.add("compared", vm.kind + ":" + kind);
  if (!volume.rw) tally_.add("compared", "read-only:" + kind);
  if (volume.kind != Kind::origin) return;
  tally_.add("compared", "revisions:" + std::to_string(volume.revisions));
  if (volume.revisions != -1 && !model_.rules().replaces_images)
    tally_.add("compared", "policy:" + volume.policy);
}

void Play::finish() {
  Words all{"stop"};
  for (const auto& [name, vm] : std::map(model_.vms()))
    if (generator_.keeps_changes(name))
      do_command({"stop", name}, {});
    else
      all.push_back(name);
  if (all.size() > 1) do_command(all, {});
  compare();
  while (!model_.vms().empty())
    for (const auto& [name, vm] : std::map(model_.vms()))
      if (!model_.is_template(name)) do_command({"remove", name}, {});
  compare();
}

}  // namespace cowshed::test::model
