// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/fault.h"
#include "support/model.h"
#include "support/tally.h"

namespace cowshed::test::model {

/// Chooses what to do next, by chance, more often what was rarely done.
class Generator {
 public:
  /// `has_pools`: there are more of them than the first; they are added and removed, VMs spread over them.
  Generator(std::uint64_t seed, const Model& model, Tally& tally, bool has_pools)
      : random_(seed), model_(model), tally_(tally), has_pools_(has_pools) {}

  /// A command for App, or nothing where the model has nothing to do it with. `what`: create, start, ...
  std::optional<Words> command(const std::string& what);
  /// The commands that a game begins with: VMs of every kind, volumes of every kind.
  std::vector<Words> opening();
  /// Any command, or "write".
  std::string choose_operation();
  /// A running volume; a writable one, or one that is not.
  std::optional<Target> running_volume(bool rw);
  /// Where `command` is to be killed.
  Fault fault(const std::string& what, const std::string& action);
  /// How many calls it made that counted, where it was not killed.
  void learn(const std::string& what, const Fault& fault, unsigned long count);
  void learn(const std::string& what, const std::map<std::string, unsigned long>& calls);
  /// Little is known of where it can be killed; and what it does depends on what there is.
  bool is_to_be_counted(const std::string& what) {
    constexpr unsigned at_first = 2, again = 10;
    const unsigned times = counted_[what]++;
    return times < at_first || (has_pools_ && times % again == 0);
  }

  static std::string point_of(const Fault& fault);

  std::uint64_t between(std::uint64_t low, std::uint64_t high);
  bool chance(unsigned percent) { return between(1, 100) <= percent; }

  /// The calls at which commands are killed.
  static const std::vector<std::string>& points();

 private:
  using Condition = std::function<bool(const std::string&, const Vm&)>;
  std::optional<std::string> any_vm(const Condition& condition);
  std::size_t count_kind(const std::string& kind) const;
  std::string free_name(const std::string& prefix) const;
  std::size_t any_size();
  std::string any_image();
  std::optional<Words> create();
  std::optional<Words> create_above(const std::string& kind, const std::string& prefix,
                                    const Condition& above);
  Words create_base(const std::string& kind, const std::string& prefix);
  Words create_over(const std::string& kind, const std::string& prefix, const std::string& above);
  std::optional<Words> start_or_stop(const std::string& what);
  std::optional<Words> remove();
  std::optional<Words> set();
  std::string any_revisions(const Volume& volume);
  Words set_of(const std::string& vm, const std::string& volume);
  // Of a game with several pools
  std::vector<Words> opening_with_pools();
  std::optional<Words> command_with_pools(const std::string& what);
  std::string any_pool();
  Words with_pools(Words create);
  std::optional<Words> change_of_pool(const std::string& what);
  std::optional<Words> pool_remove();
  std::optional<Words> pool_set();
  std::optional<Words> change_of_default(const std::string& what);
  std::optional<Words> new_volume(const std::string& what);
  std::optional<Words> new_snapshot();
  std::optional<Words> remove_volume();
  std::optional<Words> set_vm(const std::string& what);
  /// One that is carried out more often than one that is refused, and what was rarely done more often.
  std::optional<Words> any_of(const std::vector<Words>& commands);
  std::optional<Words> discard();
  std::optional<Words> revert();
  std::optional<Words> import();
  std::optional<Words> promote();
  std::optional<Words> towards_promotion();
  std::optional<Words> clone();
  std::optional<Words> resize();
  Words resize_of(const Target& target);
  /// Those that calling for every volume of every stored VM comes to.
  std::vector<Words> for_volumes(const std::function<Words(const Target&)>& command);
  bool is_due(const std::string& what) const;

  std::mt19937_64 random_;
  const Model& model_;
  Tally& tally_;
  bool has_pools_;
  /// How many calls of each kind an operation makes at most.
  std::map<std::string, std::map<std::string, unsigned long>> known_;
  /// How often each point was chosen, hit or not.
  std::map<std::string, unsigned> tried_;
  std::map<std::string, unsigned> counted_;
};

}  // namespace cowshed::test::model
