// SPDX-License-Identifier: Apache-2.0
#include "support/model_generator.h"

#include <algorithm>
#include <utility>

#include "support/model_pick.h"

namespace cowshed::test::model {

const std::vector<std::string>& Generator::points() {
  static const std::vector<std::string> all{"DM_DEV_CREATE",  "DM_TABLE_LOAD", "DM_DEV_SUSPEND",
                                            "DM_DEV_REMOVE",  "DM_DEV_RENAME", "LOOP_CTL_GET_FREE",
                                            "LOOP_CONFIGURE", "open",          "mkdir",
                                            "rename",         "unlink",        "symlink",
                                            "linkat",         "write",         "ftruncate",
                                            "fsync",          "flock",         "close"};
  return all;
}

std::uint64_t Generator::between(std::uint64_t low, std::uint64_t high) {
  return test::between(random_, low, high);
}

std::optional<std::string> Generator::any_vm(const Condition& condition) {
  std::vector<std::string> fitting;
  for (const auto& [name, vm] : model_.vms())
    if (condition(name, vm)) fitting.push_back(name);
  if (fitting.empty()) return std::nullopt;
  return pick(random_, fitting);
}

std::size_t Generator::count_kind(const std::string& kind) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(model_.vms(), [&](const auto& vm) { return vm.second.kind == kind; }));
}

std::string Generator::free_name(const std::string& prefix) const {
  for (int number = 1;; ++number)
    if (auto name = prefix + std::to_string(number); !model_.has(name)) return name;
}

std::string Generator::choose_operation() {
  const bool is_full = model_.vms().size() >= most_vms;
  static const std::map<std::string, unsigned> of_pools{
      {"pool-add", 3}, {"pool-import", 1},   {"pool-remove", 2},   {"pool-set", 3},
      {"default", 3},  {"undefault", 2},     {"create-volume", 6}, {"clone-volume", 5},
      {"export", 3},   {"remove-volume", 4}, {"template", 3},      {"kernel", 2}};
  static const std::map<std::string, unsigned> always{
      {"create", 4},  {"remove", 5},   {"start", 22},  {"stop", 18},  {"set", 9},
      {"recover", 3}, {"write", 24},   {"discard", 4}, {"revert", 6}, {"import", 6},
      {"resize", 8},  {"promote", 10}, {"clone", 4}};
  std::vector<std::string> lot;
  auto weights = always;
  if (has_pools_) weights.insert(of_pools.begin(), of_pools.end());
  for (const auto& [what, weight] : weights) {
    unsigned tickets = weight;
    if (what == "create" && !is_full) tickets = 30;
    if (tally_.count("killed in", what) == 0) tickets *= 2;
    if (is_due(what)) tickets *= 3;
    if (what == "write" && !running_volume(true)) tickets = 0;
    lot.insert(lot.end(), tickets, what);
  }
  return pick(random_, lot);
}

/// Something that it can come to is wanted and has not been.
bool Generator::is_due(const std::string& what) const {
  return std::ranges::any_of(tally_.missing(), [&](const auto& missing) {
    return missing.starts_with("operations: " + what) || (has_pools_ && missing == "killed in: " + what);
  });
}

std::optional<Words> Generator::command(const std::string& what) {
  if (what == "create") return create();
  if (what == "remove") return remove();
  if (what == "set") return set();
  if (what == "recover") return has_pools_ && chance(30) ? Words{"recover", "dry-run"} : Words{"recover"};
  if (what == "discard") return discard();
  if (what == "revert") return revert();
  if (what == "import") return import();
  if (what == "promote") return promote();
  if (what == "clone") return clone();
  if (what == "resize") return resize();
  if (what == "start" || what == "stop") return start_or_stop(what);
  return command_with_pools(what);
}

// --- create

/// Around the chunks of 32 and 64 KiB, and beside the pages.
std::size_t Generator::any_size() {
  std::vector<std::size_t> kibibytes{64, 256, 512, 1024, 1536};
  // With so many volumes most of the time would go into comparing.
  if (has_pools_) kibibytes = {64, 128, 256, 512};
  const std::size_t around = pick(random_, kibibytes) * 1024;
  return around + sector * between(0, 13);
}

std::optional<Words> Generator::create_above(const std::string& kind, const std::string& prefix,
                                             const Condition& above) {
  const auto vm = any_vm(above);
  if (!vm) return std::nullopt;
  return create_over(kind, prefix, *vm);
}

Words Generator::create_over(const std::string& kind, const std::string& prefix, const std::string& above) {
  // A disposable's private volume is a snapshot, too.
  const auto size = kind == "app" ? any_size() : 0;
  const auto of_volatile = "volatile=" + std::to_string(any_size());
  Words words{"create",   kind, free_name(prefix), above, "root=0", "private=" + std::to_string(size),
              of_volatile};
  return has_pools_ && kind == "app" ? with_pools(std::move(words)) : words;
}

std::string Generator::any_image() {
  return "image=" + std::to_string(between(1, 1000)) + ":" + std::to_string(between(1, 65536));
}

Words Generator::create_base(const std::string& kind, const std::string& prefix) {
  Words words{"create", kind, free_name(prefix), "-"};
  for (const char* volume : {"root", "private", "volatile"})
    words.push_back(volume + ("=" + std::to_string(any_size())));
  // The volume may be larger than the image, and the image no whole number of sectors.
  if (chance(60)) words.push_back(any_image());
  return has_pools_ ? with_pools(std::move(words)) : words;
}

std::vector<Words> Generator::opening() {
  if (has_pools_) return opening_with_pools();
  auto second = create_over("app", "a", "t1");
  second.at(2) = "a2";
  const Words of_private = model_.rules().replaces_images
                               ? Words{"set", "t1", "private", "revisions_to_keep", "3"}
                               : Words{"set", "t1", "private", "write_policy", "overlay"};
  return {create_base("template", "t"),
          create_base("standalone", "s"),
          create_over("app", "a", "t1"),
          std::move(second),
          create_over("disposable", "d", "a1"),
          {"set", "a1", "root", "keep_changes", "true"},
          of_private,
          {"set", "a1", "private", "revisions_to_keep", "-1"},
          {"set", "a2", "private", "revisions_to_keep", "0"},
          {"set", "a2", "root", "rw", "false"},
          {"set", "s1", "root", "rw", "false"},
          {"set", "s1", "volatile", "rw", "false"},
          {"start", "s1", "a2"},
          {"start", "a1"}};
}

std::optional<Words> Generator::create() {
  const auto is = [](const char* kind) {
    return [kind](const std::string&, const Vm& vm) { return vm.kind == kind; };
  };
  const auto has_room = [&](const char* kind, std::size_t most) { return count_kind(kind) < most; };
  // A short walk could end without one.
  const bool is_first = tally_.count("operations", "create-throwaway") == 0;
  if (is_first && has_room("throwaway", 2))
    if (auto words = create_above("throwaway", "w", is("template"))) return words;
  if (has_room("app", 5) && chance(50))
    if (auto words = create_above("app", "a", is("template"))) return words;
  if (has_room("disposable", 2) && chance(40))
    if (auto words = create_above("disposable", "d", is("app"))) return words;
  if (has_room("throwaway", 2) && chance(60))
    if (auto words = create_above("throwaway", "w", is(chance(50) ? "app" : "template"))) return words;
  const bool is_standalone = has_room("standalone", 1) && chance(30);
  if (!is_standalone && !has_room("template", 3)) return std::nullopt;
  return is_standalone ? create_base("standalone", "s") : create_base("template", "t");
}

// --- the others

/// Now and then one that has nothing to do, and several at once. Not of those that exclude each other, or of
/// which one commits what the other snapshots: what comes of that depends on the order.
std::optional<Words> Generator::start_or_stop(const std::string& what) {
  const bool is_wanted = what == "stop";
  const bool is_contrary = chance(5);
  const auto first =
      any_vm([&](const auto&, const Vm& vm) { return (vm.running == is_wanted) != is_contrary; });
  if (!first) return std::nullopt;
  Words words{what, *first};
  const auto is_fitting = [&](const std::string& name) { return model_.goes_with_others(what, name); };
  if (is_contrary || !is_fitting(*first)) return words;
  for (const auto& [name, vm] : model_.vms())
    if (name != *first && vm.running == is_wanted && vm.kind != "throwaway" && is_fitting(name) && chance(15))
      words.push_back(name);
  return words;
}

std::optional<Words> Generator::remove() {
  const bool is_refused = chance(25);
  const auto vm = any_vm([&](const auto& name, const Vm& candidate) {
    return candidate.kind != "throwaway" && (candidate.running || model_.is_template(name)) == is_refused;
  });
  if (!vm) return std::nullopt;
  return Words{"remove", *vm};
}

/// Those that were compared less than others.
std::string Generator::any_revisions(const Volume& volume) {
  std::vector<std::string> all{"0", "1", "-1"};
  if (volume.rules.has_many_revisions) all.emplace_back("3");
  if (has_pools_) all.emplace_back("default");
  if (chance(50)) return pick(random_, all);
  return *std::ranges::min_element(all, {},
                                   [&](const auto& r) { return tally_.count("compared", "revisions:" + r); });
}

std::optional<Words> Generator::set() {
  // Of one that runs most is refused.
  const bool is_running = chance(20);
  const auto vm = any_vm([&](const auto&, const Vm& candidate) {
    return candidate.kind != "throwaway" && candidate.running == is_running;
  });
  if (!vm) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [name, volume] : model_.vms().at(*vm).volumes) names.push_back(name);
  return set_of(*vm, pick(random_, names));
}

Words Generator::set_of(const std::string& vm, const std::string& name) {
  const Volume& volume = model_.volume({vm, name});
  const bool is_plain = volume.rules.copies_whole;
  if (volume.kind == Kind::snapshot && chance(is_plain ? 5 : 60)) {
    // What is kept that nobody wants any more goes some time.
    const bool is_kept = volume.kept.has_value();
    return {"set", vm, name, "keep_changes", is_kept || chance(75) ? "true" : "false"};
  }
  // Where it could be set, nothing would start: no service runs in this game.
  const bool is_limitable = !volume.rules.replaces_images && !is_plain && volume.kind != Kind::volatile_;
  if (has_pools_ && !is_limitable && chance(3)) return {"set", vm, name, "cow_limit", "1048576"};
  if (has_pools_ && volume.kind == Kind::volatile_ && chance(60))
    return {"set", vm, name, "ephemeral", pick(random_, Words{"true", "true", "false", "default"})};
  // Where there is no such property it is refused.
  if (volume.kind == Kind::origin && chance(volume.rules.replaces_images || is_plain ? 5 : 35))
    return {"set", vm, name, "write_policy", chance(50) ? "in-place" : "overlay"};
  if (volume.kind == Kind::origin && chance(is_plain ? 10 : 55))
    return {"set", vm, name, "revisions_to_keep", any_revisions(volume)};
  // Twice as often writable: only there it shows what was written.
  return {"set", vm, name, "rw", chance(66) ? "true" : "false"};
}

// --- Volumes as a whole

std::optional<Words> Generator::any_of(const std::vector<Words>& commands) {
  std::vector<Words> refused, fitting;
  for (const auto& command : commands)
    (model_.refusal(command, Model::vms_of(command).at(0)) ? refused : fitting).push_back(command);
  const auto& chosen = !refused.empty() && chance(fitting.empty() ? 40 : 15) ? refused : fitting;
  if (chosen.empty()) return std::nullopt;
  if (chance(50)) return pick(random_, chosen);
  const auto operations = [&](const Words& command) {
    return std::pair(tally_.count("operations", model_.operation_of(command)), between(0, 1'000'000));
  };
  std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, Words>> rated;
  rated.reserve(chosen.size());
  for (const auto& command : chosen) rated.emplace_back(operations(command), command);
  return std::ranges::min_element(rated)->second;
}

std::vector<Words> Generator::for_volumes(const std::function<Words(const Target&)>& command) {
  std::vector<Words> all;
  for (const auto& [name, vm] : model_.vms())
    for (const auto& [volume_name, volume] : vm.volumes)
      if (vm.kind != "throwaway") all.push_back(command({name, volume_name}));
  return all;
}

/// Mostly of one that has something to drop.
std::optional<Words> Generator::discard() {
  const bool is_any = chance(20);
  std::vector<Words> all;
  for (const auto& [name, vm] : model_.vms()) {
    const auto has_written = [](const auto& volume) { return volume.second.session && volume.second.wrote; };
    if (is_any || std::ranges::any_of(vm.volumes, has_written)) all.push_back({"discard", name});
  }
  return any_of(all);
}

std::optional<Words> Generator::revert() {
  auto all = for_volumes([this](const Target& target) {
    Words words{"revert", target.vm, target.volume};
    const auto count = model_.volume(target).older.size();
    if (count > 1 && chance(50)) words.push_back(std::to_string(between(1, count - 1)));
    return words;
  });
  std::erase_if(all, [&](const Words& words) { return !model_.is_tellable(words); });
  return any_of(all);
}

/// From a file, or from a volume that holds something else.
std::optional<Words> Generator::import() {
  const std::string image = any_image();
  auto all = for_volumes([&](const Target& target) {
    return Words{"import", target.vm, target.volume, image};
  });
  if (chance(50)) return any_of(all);
  std::vector<Words> between_volumes;
  for (const auto& to : all)
    for (const auto& from : all)
      between_volumes.push_back({"import", to[1], to[2], "from=" + Target{from[1], from[2]}.text()});
  std::erase_if(between_volumes, [&](const Words& words) { return !model_.is_tellable(words); });
  return any_of(between_volumes);
}

/// Mostly where that has been asked for.
std::optional<Words> Generator::promote() {
  const bool is_any = chance(15);
  auto all = for_volumes([](const Target& target) { return Words{"promote", target.vm, target.volume}; });
  std::erase_if(all, [&](const Words& words) {
    const Volume& volume = model_.volume({words[1], words[2]});
    return (!is_any && !volume.keep_changes) || !model_.is_tellable(words);
  });
  const auto is_refused = [&](const Words& words) { return model_.refusal(words, words[1]).has_value(); };
  if (std::ranges::all_of(all, is_refused) && chance(70)) return towards_promotion();
  return any_of(all);
}

/// What lets something be promoted later, since nothing can be now.
std::optional<Words> Generator::towards_promotion() {
  std::vector<Words> steps;
  for (const auto& [name, vm] : model_.vms())
    for (const auto& [volume_name, volume] : vm.volumes) {
      if (volume.kind != Kind::snapshot || vm.kind == "throwaway") continue;
      if (!volume.keep_changes && !vm.running)
        steps.push_back({"set", name, volume_name, "keep_changes", "true"});
      if (!volume.keep_changes) continue;
      const std::string owner = model_.changed_by({"promote", name, volume_name})->vm;
      if (model_.vms().at(owner).running)
        steps.push_back({"stop", owner});
      else if (model_.source(name, volume_name).is_dirty())
        steps.push_back({"start", owner});
      else if (!vm.running)
        steps.push_back({"start", name});
    }
  std::erase_if(steps, [&](const Words& words) { return model_.refusal(words, words[1]).has_value(); });
  if (steps.empty()) return std::nullopt;
  return pick(random_, steps);
}

std::optional<Words> Generator::clone() {
  if (model_.vms().size() >= most_vms && !chance(30)) return std::nullopt;
  const auto from = any_vm([](const auto&, const Vm&) { return true; });
  if (!from) return std::nullopt;
  const std::string prefix = from->substr(0, 1);
  const auto taken = chance(10) ? any_vm([](const auto&, const Vm&) { return true; }) : std::nullopt;
  return Words{"clone", *from, taken ? *taken : free_name(prefix)};
}

std::optional<Words> Generator::resize() {
  return any_of(for_volumes([this](const Target& target) { return resize_of(target); }));
}

/// By a little or by much; now and then without saying that it may become smaller.
Words Generator::resize_of(const Target& target) {
  const std::size_t now = model_.volume(target).told_size();
  // A cloned snapshot has no size of its own; 0 is refused before anything else is looked at.
  const std::size_t near = std::max(now + sector * between(0, 200), sector);
  const std::size_t size = chance(50) && near < 2'000'000 ? near : any_size();
  Words words{"resize", target.vm, target.volume, std::to_string(size)};
  if (size < now && chance(85)) words.emplace_back("shrink");
  return words;
}

std::optional<Target> Generator::running_volume(bool rw) {
  std::vector<Target> fitting;
  for (const auto& [name, vm] : model_.vms()) {
    if (!vm.running) continue;
    for (const auto& [volume_name, volume] : vm.volumes)
      // Three times as often what is kept.
      if (volume.rw == rw)
        fitting.insert(fitting.end(), volume.kind == Kind::origin ? 3 : 1, {name, volume_name});
  }
  if (fitting.empty()) return std::nullopt;
  return pick(random_, fitting);
}

// --- Where to kill

Fault Generator::fault(const std::string& what, const std::string& action) {
  auto& known = known_[what];
  std::vector<std::string> possible;
  for (const auto& point : points())
    if (!known.contains(point) || known[point] != 0) possible.push_back(point);
  // A call that was rare so far.
  if (possible.empty()) possible = points();
  std::string point = pick(random_, possible);
  // Of those that were rare so far the one that was tried least: some are out of reach in most commands.
  if (chance(60))
    point = *std::ranges::min_element(
        possible, {}, [&](const auto& p) { return std::pair(tally_.count("killed at", p), tried_[p]); });
  ++tried_[point];
  unsigned long most = std::max(1ul, known.contains(point) ? known[point] : 2);
  // With fewer volumes there are fewer calls.
  if (chance(50)) most = std::min(most, 3ul);
  static const std::map<std::string, std::string> more{{"open", ",open64,openat"},
                                                       {"write", ",pwrite,pwrite64"},
                                                       {"ftruncate", ",ftruncate64"},
                                                       {"linkat", ",link"},
                                                       {"unlink", ",unlinkat,rmdir"}};
  return {.calls = point + (more.contains(point) ? more.at(point) : ""),
          .at = between(1, most),
          .action = action};
}

std::string Generator::point_of(const Fault& fault) { return fault.calls.substr(0, fault.calls.find(',')); }

void Generator::learn(const std::string& what, const Fault& fault, unsigned long count) {
  auto& most = known_[what][point_of(fault)];
  most = std::max(most, count);
}

void Generator::learn(const std::string& what, const std::map<std::string, unsigned long>& calls) {
  for (const auto& point : points()) {
    const auto found = calls.find(point);
    auto& most = known_[what][point];
    most = std::max(most, found == calls.end() ? 0 : found->second);
  }
}

}  // namespace cowshed::test::model
