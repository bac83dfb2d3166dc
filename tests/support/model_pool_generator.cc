// SPDX-License-Identifier: Apache-2.0
// Generator: what a game with several pools has besides.
#include <algorithm>
#include <array>

#include "support/model_generator.h"
#include "support/model_pick.h"

namespace cowshed::test::model {

namespace {

/// Pools that are added, with the driver that they have most often.
const std::vector<std::pair<std::string, std::string>> addable{
    {"p1", "file"}, {"p2", "file"}, {"r1", "file-reflink"}, {"c1", "copies"}};
/// Additional volumes.
const Words extras{"extra1", "extra2"};
const Words default_keys{"default_pool", "default_pool_root", "default_pool_private",
                         "default_pool_volatile"};

}  // namespace

/// One that is there; now and then one that is not.
std::string Generator::any_pool() {
  if (chance(4)) return "nowhere";
  Words names;
  for (const auto& [name, pool] : model_.settings().pools)
    if (pool.rules.keeps_volumes) names.push_back(name);
  return pick(random_, names);
}

/// One for all, one for a volume, several, or as the defaults say.
Words Generator::with_pools(Words create) {
  if (chance(25)) return create;
  if (chance(35)) {
    create.push_back("pool=" + any_pool());
    return create;
  }
  for (const char* volume : {"root", "private", "volatile"}) {
    const bool is_snapshot = create.at(1) == "app" && volume == std::string("root");
    if (chance(is_snapshot ? 3 : 50)) create.push_back(std::string("pool:") + volume + "=" + any_pool());
  }
  return create;
}

std::vector<Words> Generator::opening_with_pools() {
  const auto in = [](Words create, const Words& wishes) {
    std::erase_if(create, [](const auto& word) { return word.starts_with("pool"); });
    create.insert(create.end(), wishes.begin(), wishes.end());
    return create;
  };
  const auto named = [](Words create, const std::string& name) {
    create.at(2) = name;
    return create;
  };
  return {{"pool-add", "p1", "file"},
          {"pool-add", "r1", "file-reflink"},
          {"pool-add", "c1", "copies"},
          named(in(create_base("template", "t"), {}), "t1"),
          named(in(create_base("template", "t"), {"pool=r1"}), "t2"),
          named(in(create_base("template", "t"), {"pool=c1"}), "t3"),
          named(in(create_base("standalone", "s"), {"pool:root=p1", "pool:private=r1", "pool:volatile=c1"}),
                "s1"),
          {"create-volume", "t1", "extra1", "origin", std::to_string(any_size()), "r1"},
          named(in(create_over("app", "a", "t1"), {}), "a1"),
          named(in(create_over("app", "a", "t2"), {"pool:private=p1"}), "a2"),
          named(in(create_over("app", "a", "t3"), {"pool:private=r1", "pool:volatile=c1"}), "a3"),
          named(create_over("disposable", "d", "a1"), "d1"),
          {"clone", "t1", "t4"},
          {"set", "a1", "root", "keep_changes", "true"},
          {"set", "a2", "root", "keep_changes", "true"},
          {"set", "t1", "private", "write_policy", "overlay"},
          {"set", "t2", "private", "revisions_to_keep", "3"},
          {"set", "a1", "private", "revisions_to_keep", "-1"},
          {"set", "a2", "private", "revisions_to_keep", "0"},
          {"set", "s1", "root", "rw", "false"},
          {"set", "a3", "root", "rw", "false"},
          {"set", "s1", "volatile", "rw", "false"},
          {"start", "t2", "a2"},
          {"start", "s1", "a3"},
          {"start", "a1"}};
}

std::optional<Words> Generator::command_with_pools(const std::string& what) {
  if (what == "pool-remove") return pool_remove();
  if (what == "pool-set") return pool_set();
  if (what.starts_with("pool-")) return change_of_pool(what);
  if (what == "default" || what == "undefault") return change_of_default(what);
  if (what == "create-volume" && chance(35))
    if (auto snapshot = new_snapshot()) return snapshot;
  if (what == "create-volume" || what == "clone-volume") return new_volume(what);
  if (what == "remove-volume") return remove_volume();
  if (what == "export")
    return any_of(for_volumes([](const Target& target) {
      return Words{"export", target.vm, target.volume};
    }));
  return set_vm(what);
}

// --- Pools

std::optional<Words> Generator::change_of_pool(const std::string& what) {
  const auto is_missing = [&](const auto& pool) { return !model_.settings().pools.contains(pool.first); };
  auto some = addable;
  if (chance(80)) std::erase_if(some, [&](const auto& pool) { return !is_missing(pool); });
  if (some.empty()) some = addable;
  const auto [name, usual] = pick(random_, some);
  if (what == "pool-import") return Words{what, name};
  const std::string driver = chance(80) ? usual : pick(random_, Words{"file", "file-reflink", "copies"});
  Words words{what, name, driver};
  if (const auto other = any_pool(); chance(15) && model_.settings().pools.contains(other))
    words.push_back("at=" + other);
  return words;
}

/// Without the first one nothing would be left to fall back to.
std::optional<Words> Generator::pool_remove() {
  std::vector<Words> all{{"pool-remove", "nowhere"}};
  for (const auto& [name, pool] : model_.settings().pools)
    if (name != Model::kernel_pool && (name != Model::first_pool || model_.is_pool_used(name)))
      all.push_back({"pool-remove", name});
  return any_of(all);
}

std::optional<Words> Generator::pool_set() {
  const std::string pool = chance(90) ? any_pool() : std::string(Model::kernel_pool);
  if (chance(40)) return Words{"pool-set", pool, "ephemeral_volatile", chance(60) ? "true" : "false"};
  return Words{"pool-set", pool, "revisions_to_keep", pick(random_, Words{"0", "1", "1", "2", "3", "-1"})};
}

std::optional<Words> Generator::change_of_default(const std::string& what) {
  const std::string key = pick(random_, default_keys);
  if (what == "undefault") return Words{what, key};
  return Words{what, key, any_pool()};
}

// --- Volumes

std::optional<Words> Generator::new_volume(const std::string& what) {
  const auto vm = any_vm([&](const auto&, const Vm& candidate) {
    return candidate.running == chance(10) && (candidate.kind != "throwaway" || chance(5));
  });
  if (!vm) return std::nullopt;
  const std::string name = pick(random_, extras), pool = chance(25) ? "-" : any_pool();
  if (what == "create-volume") {
    const std::string kind = chance(70) ? "origin" : "volatile";
    return Words{what, *vm, name, kind, std::to_string(any_size()), pool};
  }
  return any_of(for_volumes([&](const Target& from) {
    return Words{what, *vm, name, "from=" + from.text(), pool};
  }));
}

/// Of a volume that was added later than the VM was made.
std::optional<Words> Generator::new_snapshot() {
  std::vector<Words> all;
  for (const auto& [name, vm] : model_.vms())
    for (const auto& extra : extras)
      if (!vm.above.empty())
        all.push_back({"create-volume", name, extra, "snapshot", "0", chance(90) ? "-" : any_pool()});
  return any_of(all);
}

std::optional<Words> Generator::remove_volume() {
  std::vector<Words> all;
  for (const auto& [name, vm] : model_.vms())
    for (const auto& extra : extras) all.push_back({"remove-volume", name, extra});
  return any_of(all);
}

std::optional<Words> Generator::set_vm(const std::string& what) {
  const auto vm = any_vm([](const auto&, const Vm&) { return true; });
  if (!vm) return std::nullopt;
  if (what == "kernel") {
    Words names{"k1", "k2"};
    if (chance(15)) names = {"none"};
    return Words{what, *vm, pick(random_, names)};
  }
  std::vector<Words> all;
  for (const auto& [name, of] : model_.vms())
    for (const auto& [other, candidate] : model_.vms())
      if (other != name && of.above != other && !of.above.empty()) all.push_back({what, name, other});
  return any_of(all);
}

}  // namespace cowshed::test::model
