// SPDX-License-Identifier: Apache-2.0
#include "support/model_play.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "pools/plugin_loader.h"

namespace cowshed::test::model {

namespace {

/// What it declares is what the game holds it to.
Rules rules_of(const pools::Driver& driver, const Scene& scene) {
  const auto can = [&](pools::Capability what) { return driver.capabilities.contains(what); };
  const bool is_overlay = can(pools::Capability::overlay);
  return {.replaces_images = !is_overlay,
          .has_many_revisions = can(pools::Capability::many_revisions),
          .copies_whole = is_overlay && !can(pools::Capability::in_place),
          .forgets_read_only = scene.forgets_read_only};
}

std::map<std::string, Rules> rules_of(const Scene& scene) {
  std::map<std::string, Rules> rules;
  for (const char* name : {"file", "file-reflink"}) rules[name] = rules_of(pools::find_driver(name), scene);
  if (!scene.sharing.empty()) rules[plugin_driver] = rules_of(pools::load_plugin(plugin_file()), scene);
  return rules;
}

}  // namespace

Play::Play(const Scene& scene, std::uint64_t seed, Journal* journal)
    : has_pools_(!scene.sharing.empty()),
      model_(rules_of(scene), scene.driver),
      world_(scene.driver, scene.directory, scene.run, scene.sharing),
      generator_(seed, model_, tally_, has_pools_),
      journal_(journal) {}

void Play::require_all() {
  tally_.require("operations", {"create-template", "create-standalone", "create-app", "create-disposable",
                                "create-throwaway", "remove", "clone", "recover", "refused"});
  tally_.require("operations", {"start", "start-several", "stop", "stop-several", "commit", "discard",
                                "dropped", "write", "sync", "write-to-read-only"});
  tally_.require("operations", {"set-rw", "set-revisions_to_keep", "set-keep_changes"});
  tally_.require("operations", {"revert", "import-file", "import-volume", "resize-grow-stopped",
                                "resize-shrink", "resize-volatile", "promote-running", "promote-stopped"});
  require_what_drivers_can();
  if (has_pools_) require_several_pools();
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

/// Of all that may be in the game.
bool Play::is_any(bool Rules::*rule) const { return has_pools_ || model_.rules().*rule; }

void Play::require_what_drivers_can() {
  if (is_any(&Rules::replaces_images)) tally_.require("operations", {"resize-grow-own-file"});
  if (has_pools_ || !model_.rules().replaces_images) {
    tally_.require("operations", {"set-write_policy", "resize-grow-in-place", "resize-grow-overlay"});
    tally_.require("compared", {"policy:in-place", "policy:overlay"});
  }
  if (!is_any(&Rules::has_many_revisions)) return;
  tally_.require("operations", {"revert-to-older"});
  tally_.require("compared", {"several-revisions"});
}

void Play::require_several_pools() {
  const std::vector<std::string> by_name{"pool-import", "pool-remove",   "default",      "undefault",
                                         "export",      "remove-volume", "clone-volume", "template",
                                         "kernel",      "create-volume", "pool-add",     "pool-set"};
  tally_.require("killed in", by_name);
  tally_.require("operations",
                 {"pool-add-file", "pool-add-file-reflink", "pool-add-copies", "pool-import", "pool-remove",
                  "pool-set-revisions_to_keep", "pool-set-ephemeral_volatile", "default", "undefault"});
  tally_.require("operations", {"create-volume-origin", "create-volume-volatile", "create-volume-snapshot",
                                "clone-volume", "clone-volume-across", "remove-volume", "export",
                                "import-across", "set-ephemeral", "template", "kernel", "recover-dry-run"});
  for (const char* driver : {"file", "file-reflink", plugin_driver})
    for (const char* kind : {"origin", "snapshot", "volatile"})
      tally_.require("compared", {fmt::format("{}:{}", driver, kind)});
  tally_.require("compared", {"encrypted"});
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
  do_steps(choose());
}

std::optional<Step> Play::next_of_opening() {
  const auto commands = generator_.opening();
  const auto next = steps() - 1;
  if (next >= commands.size()) return std::nullopt;
  return Step{.command = commands[next], .cut_off = {.is_only_counted = true}};
}

Steps Play::choose() {
  if (const auto step = next_of_opening()) return {*step};
  const std::string what = generator_.choose_operation();
  if (what == "write") return choose_writes();
  const auto command = generator_.command(what);
  if (!command) return {};
  return {with_kill(*command)};
}

void Play::do_steps(const Steps& steps) {
  try {
    for (const Step& step : steps) do_step(step);
    compare();
  } catch (const Error& error) {
    fail({error.message()});
  }
}

void Play::do_step(const Step& step) {
  done_.push_back(step);
  if (!step.is_guests()) return do_command(step);
  if (step.command[0] == "write-read-only")
    write_read_only(step);
  else
    write(step);
}

void Play::replay(const Steps& steps) {
  for (const Step& step : steps) {
    if (!model_.is_playable(step.command)) continue;
    count("steps", "all");
    do_steps({step});
  }
  finish();
}

Step Play::with_kill(const Words& command) {
  Step step{.command = command};
  const std::string& what = command.at(0);
  step.cut_off.is_only_counted = generator_.is_to_be_counted(what);
  const bool is_due = tally_.count("killed in", what) == 0;
  if (!step.cut_off.is_only_counted && (is_due || generator_.chance(50))) {
    step.cut_off.is_done_first = !is_due && generator_.chance(15);
    if (!step.cut_off.is_done_first)
      step.cut_off.fault = generator_.fault(what, generator_.chance(50) ? "kill" : "kill-after");
    if (generator_.chance(35))
      step.recovery = generator_.fault("recover", generator_.chance(50) ? "kill" : "kill-after");
  }
  step.cut_off.by_command_line = generator_.chance(50);
  return step;
}

void Play::do_command(const Step& step) {
  const auto& [command, cut_off, recovery] = step;
  remember(step.text());
  world_.make_files(command);
  if (journal_ != nullptr) journal_->append("begin " + join(command));
  const Carried carried = world_.carry_out(command, cut_off);
  count("carried out by", world_.is_by_command_line(command, cut_off) ? "command-line" : "app-layer");
  if (carried.killed && !cut_off.is_done_first)
    account_kill(step, carried);
  else
    account(command, carried);
  if (cut_off.is_only_counted) generator_.learn(command[0], carried.calls);
  if (journal_ != nullptr) journal_->append("end");
  if (cut_off.is_done_first) {
    count("killed", "between");
    kill_recovery_too(recovery);
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
  if (command[0] == "export" && wrong.empty() && !model_.refusal(command, command[1]))
    if (const auto differs =
            difference(std::as_const(model_).volume({command[1], command[2]}).committed, world_.exported());
        !differs.empty())
      wrong.push_back("what was exported " + differs);
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

void Play::account_kill(const Step& step, const Carried& carried) {
  const auto& command = step.command;
  const Fault& fault = step.cut_off.fault.value();
  history_.back() += "  -> killed at " + carried.hit.value_or("?");
  count("killed in", command[0]);
  count("killed", fault.action);
  count("killed at", Generator::point_of(fault));
  kill_recovery_too(step.recovery);
  std::vector<std::string> wrong;
  for (const auto& vm : Model::vms_of(command)) {
    const auto expected = model_.refusal(command, vm);
    const auto changed = model_.changed_by(command);
    const std::string& name = changed ? changed->vm : vm;
    const auto verdict = Model::is_about_settings(command)
                             ? model_.judge_settings(command, world_.settings())
                             : model_.judge(command, name, world_.find(name, false));
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
void Play::kill_recovery_too(const std::optional<Fault>& fault) {
  if (!fault) return;
  const Carried carried = world_.carry_out({"recover"}, only(*fault));
  if (!carried.killed) return generator_.learn("recover", *fault, carried.count);
  history_.back() += ", the recovery, too";
  count("killed in", "recover");
  count("killed at", Generator::point_of(*fault));
}

// --- Guests

Steps Play::choose_writes() {
  Steps steps;
  if (generator_.chance(10) || tally_.count("operations", "write-to-read-only") == 0)
    if (const auto target = generator_.running_volume(false))
      steps.push_back({{"write-read-only", target->vm, target->volume}});
  const auto target = generator_.running_volume(true);
  if (!target) return steps;
  const auto& [vm, name] = *target;
  const std::size_t sectors = std::as_const(model_).volume(*target).size_now() / sector;
  for (auto times = generator_.between(1, 6); times > 0; --times) {
    const std::size_t first = generator_.between(0, sectors - 1);
    const std::size_t most = generator_.chance(70) ? 40 : 512;
    const std::size_t length = generator_.between(1, std::min(most, sectors - first));
    const std::uint64_t seed = generator_.between(1, 1u << 30);
    steps.push_back(
        {split(fmt::format("write {} {} {} {} {}", vm, name, first * sector, length * sector, seed))});
  }
  if (generator_.chance(50)) steps.push_back({{"sync", vm, name}});
  return steps;
}

/// Or syncs.
void Play::write(const Step& step) {
  const auto& words = step.command;
  const std::string &vm = words.at(1), &name = words.at(2);
  remember(step.text());
  if (words[0] == "sync") {
    world_.sync(vm, name);
  } else {
    // Before it is done: it may be cut off.
    record(join(words));
    if (!world_.write(vm, name, std::stoull(words.at(3)),
                      pattern(std::stoull(words.at(5)), std::stoull(words.at(4)))))
      fail({fmt::format("{}:{} refuses a write", vm, name)});
  }
  if (words[0] == "sync") record(join(words));
  count("operations", words[0]);
}

void Play::write_read_only(const Step& step) {
  remember(step.text());
  const std::string &vm = step.command.at(1), &name = step.command.at(2);
  if (world_.write(vm, name, 0, pattern(0, sector)))
    fail({fmt::format("{}:{} is read-only and was written", vm, name)});
  count("operations", "write-to-read-only");
}

// --- Comparing

void Play::compare() {
  forget_surplus();
  if (const auto wrong = world_.compare(model_); !wrong.empty()) fail(wrong);
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
  if (has_pools_) tally_.add("compared", model_.settings().pools.at(volume.pool).driver + ":" + kind);
  if (volume.is_encrypted) tally_.add("compared", "encrypted");
  if (!volume.rw) tally_.add("compared", "read-only:" + kind);
  if (volume.kind != Kind::origin) return;
  tally_.add("compared", "revisions:" + std::to_string(volume.revisions));
  if (volume.revisions != -1 && !volume.rules.replaces_images && !volume.rules.copies_whole)
    tally_.add("compared", "policy:" + volume.policy);
}

void Play::finish() {
  Words all{"stop"};
  for (const auto& [name, vm] : std::map(model_.vms()))
    if (!model_.goes_with_others("stop", name))
      do_command({"stop", name});
    else
      all.push_back(name);
  if (all.size() > 1) do_command(all);
  compare();
  while (!model_.vms().empty())
    for (const auto& [name, vm] : std::map(model_.vms()))
      if (!model_.is_template(name)) do_command({"remove", name});
  if (has_pools_) remove_pools();
  compare();
}

void Play::remove_pools() {
  for (const auto& [key, pool] : std::map(model_.settings().defaults))
    if (pool != Model::kernel_pool) do_command({"undefault", key});
  for (const auto& [name, pool] : std::map(model_.settings().pools))
    if (name != Model::kernel_pool && name != Model::first_pool) do_command({"pool-remove", name});
}

}  // namespace cowshed::test::model
