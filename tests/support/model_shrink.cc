// SPDX-License-Identifier: Apache-2.0
#include "support/model_shrink.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace cowshed::test::model {

namespace {

/// Disjoint stretches, halved from round to round. (rapidcheck's own tries every stretch: with hundreds of
/// steps, each of which takes its time, that would be tens of thousands of trials.)
class WithoutStretches {
 public:
  explicit WithoutStretches(Steps steps)
      : steps_(std::move(steps)), length_((steps_.size() + 1) / 2), end_(steps_.size()) {}

  rc::Maybe<Steps> operator()() {
    if (length_ == 0) return rc::Nothing;
    const auto begin = end_ - std::min(end_, length_);
    Steps rest(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(begin));
    rest.insert(rest.end(), steps_.begin() + static_cast<std::ptrdiff_t>(end_), steps_.end());
    end_ = begin;
    if (end_ == 0) next_round();
    return rest;
  }

 private:
  void next_round() {
    length_ = length_ == 1 ? 0 : (length_ + 1) / 2;
    end_ = steps_.size();
  }

  Steps steps_;
  std::size_t length_, end_;
};

bool is_about_several(const Step& step) {
  const std::string& what = step.command.at(0);
  return (what == "start" || what == "stop") && step.command.size() > 2;
}

Words made_in(const Steps& steps) {
  Words vms;
  for (const Step& step : steps)
    if (const auto& what = step.command.at(0); what == "create" || what == "clone")
      vms.push_back(step.command.at(2));
  return vms;
}

/// Whatever names the VM; those started or stopped with it are so without it.
Steps without_vm(const Steps& steps, const std::string& vm) {
  Steps rest;
  for (Step step : steps) {
    if (is_about_several(step)) std::erase(step.command, vm);
    const bool names_it = std::ranges::any_of(step.command, [&](const std::string& word) {
      return word == vm || word.starts_with("from=" + vm + ":");
    });
    if (!names_it) rest.push_back(std::move(step));
  }
  return rest;
}

/// The last first: the others may stand on it.
rc::Seq<Steps> without_vms(const Steps& steps) {
  std::vector<Steps> all;
  const Words vms = made_in(steps);
  for (auto vm = vms.rbegin(); vm != vms.rend(); ++vm) all.push_back(without_vm(steps, *vm));
  return rc::seq::fromContainer(std::move(all));
}

/// The same without one of its VMs.
void leave_out_vms(const Step& step, Steps& simpler) {
  if (!is_about_several(step)) return;
  for (std::size_t i = 1; i < step.command.size(); ++i) {
    Step fewer = step;
    fewer.command.erase(fewer.command.begin() + static_cast<std::ptrdiff_t>(i));
    simpler.push_back(std::move(fewer));
  }
}

/// One sector, at the beginning.
void shorten_write(const Step& step, Steps& simpler) {
  if (step.command.at(0) != "write") return;
  for (const auto& [at, least] : {std::pair(3, std::size_t{0}), std::pair(4, sector)}) {
    Step shorter = step;
    shorter.command.at(static_cast<std::size_t>(at)) = std::to_string(least);
    if (shorter.command != step.command) simpler.push_back(std::move(shorter));
  }
}

/// An image that it is not made from.
void leave_out_image(const Step& step, Steps& simpler) {
  if (step.command.at(0) != "create" || step.command.size() < 5) return;
  Step without = step;
  std::erase_if(without.command, [](const auto& word) { return word.starts_with("image="); });
  if (without.command != step.command) simpler.push_back(std::move(without));
}

rc::Seq<Step> simpler(const Step& step) {
  Steps simpler;
  if (step.cut_off.fault || step.cut_off.is_done_first || step.cut_off.is_only_counted || step.recovery) {
    Step undisturbed = step;
    undisturbed.recovery.reset();
    simpler.push_back(undisturbed);
    undisturbed.cut_off = {.by_command_line = step.cut_off.by_command_line};
    simpler.push_back(std::move(undisturbed));
    std::erase_if(simpler, [&](const Step& other) { return other.text() == step.text(); });
  }
  leave_out_vms(step, simpler);
  shorten_write(step, simpler);
  leave_out_image(step, simpler);
  return rc::seq::fromContainer(std::move(simpler));
}

rc::Seq<Steps> smaller(const Steps& steps) {
  return rc::seq::concat(without_vms(steps), rc::makeSeq<WithoutStretches>(steps),
                         rc::shrink::eachElement(steps, simpler));
}

}  // namespace

Shrunk shrink(const Steps& failing, const std::string& difference, const Trial& trial,
              std::chrono::seconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  Shrunk result{.steps = failing, .difference = difference};
  const auto fails = [&](const Steps& steps) {
    if (std::chrono::steady_clock::now() >= end) result.is_minimal = false;
    if (!result.is_minimal) return false;
    ++result.trials;
    const auto wrong = trial(steps);
    if (wrong) result.difference = *wrong;
    if (wrong) std::printf("%zu steps are enough\n", steps.size());
    return wrong.has_value();
  };
  result.steps = rc::shrinkable::findLocalMin(rc::shrinkable::shrinkRecur(failing, smaller), fails).first;
  return result;
}

}  // namespace cowshed::test::model
