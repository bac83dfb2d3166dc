// SPDX-License-Identifier: Apache-2.0
// Play: power cuts of the VM, and going on after them.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "support/model_play.h"

namespace cowshed::test::model {

namespace {

/// Nothing is synced.
void reset_machine() {
  const Path trigger = "/proc/sysrq-trigger";
  write_all(open_file(trigger, O_WRONLY), "b", trigger);
  for (;;) ::pause();
}

}  // namespace

/// Inside a command ("stop"), when it was answered ("after stop"), between a guest's writes.
const std::vector<std::string>& Play::cut_places() {
  static const std::vector<std::string> places{
      "stop",    "write",        "start",  "after stop", "create", "set",    "after create", "remove",
      "recover", "after remove", "revert", "discard",    "import", "resize", "promote",      "clone"};
  return places;
}

void Play::play_until_cut(const std::string& place) {
  while (steps() < generator_.opening().size()) step();
  for (auto before = generator_.between(5, 20); before > 0; --before) step();
  for (int tries = 0; tries < 60; ++tries) {
    cut_power(place);
    step();
  }
  fail({"the power could not be cut at: " + place});
}

void Play::cut_power(const std::string& place) {
  count("steps", "all");
  if (place == "write") {
    if (!generator_.running_volume(true)) return;
    count("power cut", place);
    for (const Step& step : choose_writes()) do_step(step);
    reset_machine();
  }
  const bool is_after = place.starts_with("after ");
  const std::string what = is_after ? place.substr(6) : place;
  const auto command = generator_.command(what);
  if (!command) return;
  for (const auto& vm : Model::vms_of(*command))
    if (model_.refusal(*command, vm)) return;
  // It only leads there.
  if (command->at(0) != what) return do_command(*command);
  if (!is_after) {
    const auto fault = generator_.fault(what, generator_.chance(50) ? "powercut" : "powercut-after");
    do_command(Step{.command = *command, .cut_off = only(fault)});
    return;
  }
  do_command(*command);
  count("power cut", place);
  reset_machine();
}

void Play::resume() {
  Words pending;
  bool is_first = true;
  journal_->replay([&](const std::string& event, const std::string& data) {
    is_first = false;
    if (event == "count")
      return tally_.add(data.substr(0, data.find('\n')), data.substr(data.find('\n') + 1));
    if (event.starts_with("begin ")) {
      pending = split(event.substr(6));
      remember(event);
    } else if (event == "end") {
      pending.clear();
    } else {
      model_.apply(event, data);
      remember(event);
    }
  });
  if (!is_first) recover_from_cut(pending);
}

void Play::recover_from_cut(const Words& pending) {
  if (!pending.empty()) count("power cut", pending[0]);
  std::vector<std::string> wrong;
  for (const auto& name : order_of_judging(pending)) judge_after_cut(name, pending, wrong);
  record("power-cut");
  journal_->append("end");
  if (!wrong.empty()) fail(wrong);
  compare();
  // What the snapshots of cut-off sessions see.
  for (const auto& [name, vm] : model_.vms())
    if (!model_.refusal({"start", name}, name) && vm.kind != "template") do_command({"start", name});
  compare();
}

/// What was being changed first: whether its snapshots still fit it depends on what has become of it.
Words Play::order_of_judging(const Words& pending) const {
  std::map<std::string, Vm> all = model_.vms();
  for (const auto& vm : pending.empty() ? Words{} : Model::vms_of(pending)) all.try_emplace(vm);
  Words order;
  for (const auto& [name, vm] : all)
    if (vm.kind != "throwaway") order.push_back(name);
  std::stable_partition(order.begin(), order.end(),
                        [&](const std::string& name) { return is_about(pending, name); });
  return order;
}

void Play::judge_after_cut(const std::string& name, const Words& pending, std::vector<std::string>& wrong) {
  const Found found = world_.find(name, true);
  Model::Verdict verdict;
  if (is_about(pending, name))
    verdict = model_.judge(pending, name, found);
  else if (!found.exists)
    verdict.wrong.push_back(name + " is gone");
  // What it replaced cannot be found any more.
  if (verdict.happened && model_.changed_by(pending))
    for (const auto& event : std::exchange(verdict.events, {})) record(event);
  const auto adopted = judge_images(name, found, wrong);
  if (found.exists && model_.has(name) && !verdict.is_down) {
    model_.judge_kept(name, found, "", verdict);
    model_.judge_stopped(name, found, "", verdict);
  }
  wrong.insert(wrong.end(), verdict.wrong.begin(), verdict.wrong.end());
  for (const auto& [event, data] : adopted) record(event, data);
  for (const auto& event : verdict.events) record(event);
}

bool Play::is_about(const Words& pending, const std::string& name) const {
  if (pending.empty()) return false;
  if (const auto changed = model_.changed_by(pending)) return changed->vm == name;
  return std::ranges::count(Model::vms_of(pending), name) > 0;
}

std::vector<std::pair<std::string, std::string>> Play::judge_images(const std::string& name,
                                                                    const Found& found,
                                                                    std::vector<std::string>& wrong) const {
  std::vector<std::pair<std::string, std::string>> events;
  if (!found.exists || !model_.has(name)) return events;
  for (const auto& [volume, property] : found.volumes) {
    const bool is_kept = model_.vms().at(name).running && property.promotable;
    const auto& image = is_kept ? property.promotable : property.image;
    if (!image) continue;
    const auto sectors = model_.judge_image(name, volume, *image);
    wrong.insert(wrong.end(), sectors.wrong.begin(), sectors.wrong.end());
    events.emplace_back(fmt::format("adopt {} {}", name, volume), sectors.data);
  }
  return events;
}

}  // namespace cowshed::test::model
