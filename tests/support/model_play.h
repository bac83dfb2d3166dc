// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <stdexcept>

#include "support/model_generator.h"
#include "support/model_journal.h"
#include "support/model_step.h"
#include "support/model_world.h"

namespace cowshed::test::model {

/// The installation is not what the model says: where, and what was done last.
struct Difference : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where a game is played.
struct Scene {
  /// The one that a first start is to pick in the directory.
  std::string driver;
  Path directory, run;
  /// On a file system that shares extents, for a game with several pools; else empty.
  Path sharing = {};
  /// See Rules.
  bool forgets_read_only = false;
};

/// Plays one game: chooses a step, does it to the installation and to the model, compares the two.
class Play {
 public:
  /// With a journal the game goes on after a power cut.
  Play(const Scene& scene, std::uint64_t seed, Journal* journal = nullptr);

  /// One step by chance, killed or not; the first ones make what every game is to have. Throws Difference.
  void step();
  /// What was done so far.
  [[nodiscard]] const Steps& done() const { return done_; }
  /// Does these instead, those of them that can be done where others were left out, and then finishes.
  void replay(const Steps& steps);
  /// All VMs are stopped, then removed; nothing may be left.
  void finish();
  /// What the journal holds, then judges what the power cut left.
  void resume();

  /// Does steps until the power is cut at `place`. Does not return where that came about.
  void play_until_cut(const std::string& place);
  static const std::vector<std::string>& cut_places();

  /// Everything that a whole game has to reach.
  void require_all();
  Tally& tally() { return tally_; }
  [[nodiscard]] std::uint64_t steps() const { return tally_.count("steps", "all"); }

 private:
  void require_what_drivers_can();
  void require_several_pools();
  [[nodiscard]] bool is_any(bool Rules::*rule) const;
  void remove_pools();
  /// Most often one; several of what a guest does, none where there was nothing to do it with.
  Steps choose();
  [[nodiscard]] std::optional<Step> next_of_opening();
  void do_steps(const Steps& steps);
  void do_step(const Step& step);
  void record(const std::string& event, const std::string& data = {});
  void remember(const std::string& what);
  void count(const std::string& group, const std::string& key);

  void do_command(const Step& step);
  void do_command(const Words& command) { do_command(Step{command}); }
  void account(const Words& command, const Carried& carried);
  void account_kill(const Step& step, const Carried& carried);
  void kill_recovery_too(const std::optional<Fault>& fault);
  void count_command(const Words& command, const std::string& vm, bool is_refused);
  Steps choose_writes();
  void write(const Step& step);
  void write_read_only(const Step& step);
  void compare();
  void forget_surplus();
  void count_compared();
  void count_stopped(const Volume& volume);
  void count_volume(const Vm& vm, const Volume& volume);
  void recover_from_cut(const Words& pending);
  [[nodiscard]] Words order_of_judging(const Words& pending) const;
  void judge_after_cut(const std::string& vm, const Words& pending, std::vector<std::string>& wrong);
  /// Events that make the model hold what is found of what was never synced.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> judge_images(
      const std::string& vm, const Found& found, std::vector<std::string>& wrong) const;
  [[nodiscard]] bool is_about(const Words& pending, const std::string& vm) const;

  Step with_kill(const Words& command);
  void cut_power(const std::string& place);
  [[noreturn]] void fail(const std::vector<std::string>& wrong);

  bool has_pools_;
  Model model_;
  Tally tally_;
  World world_;
  Generator generator_;
  Journal* journal_;
  Steps done_;
  /// The last things done, for the message of a Difference.
  std::deque<std::string> history_;
};

}  // namespace cowshed::test::model
