// SPDX-License-Identifier: Apache-2.0
// Model: pools and defaults.
#include <algorithm>
#include <array>
#include <utility>

#include "support/model.h"

namespace cowshed::test::model {

namespace {

const std::string general_key = "default_pool";
const std::array<std::string, 4> with_key{"root", "private", "volatile", "kernel"};

}  // namespace

bool is_default_volume(const std::string& name) {
  return std::ranges::find(with_key, name) != with_key.end();
}

Model::Model(std::map<std::string, Rules> rules, const std::string& first) : rules_(std::move(rules)) {
  settings_.pools[first_pool] = {.driver = first, .rules = rules_.at(first)};
  settings_.pools[kernel_pool] = {
      .driver = "linux-kernel", .rules = {.keeps_volumes = false}, .revisions = 0};
  settings_.defaults["default_pool_kernel"] = kernel_pool;
}

bool Model::is_about_settings(const Words& command) {
  const std::string& what = command.at(0);
  return what.starts_with("pool-") || what == "default" || what == "undefault";
}

std::string Model::default_pool_for(const std::string& volume) const {
  const std::string own = is_default_volume(volume) ? general_key + "_" + volume : general_key;
  for (const auto& key : {own, general_key})
    if (const auto found = settings_.defaults.find(key); found != settings_.defaults.end())
      return found->second;
  for (const char* name : {"default", first_pool})
    if (settings_.pools.contains(name)) return name;
  return {};
}

bool Model::is_pool_used(const std::string& pool) const {
  const auto leads_there = [&](const std::string& volume) { return default_pool_for(volume) == pool; };
  if (std::ranges::any_of(with_key, leads_there) || leads_there("another")) return true;
  const auto lies_there = [&](const auto& volume) { return volume.second.pool == pool; };
  return std::ranges::any_of(vms_, [&](const auto& vm) {
    return (!vm.second.kernel.empty() && pool == kernel_pool) ||
           std::ranges::any_of(vm.second.volumes, lies_there);
  });
}

std::optional<std::string> Model::settings_refusal(const Words& command) const {
  const std::string& what = command.at(0);
  if (what == "undefault") return std::nullopt;
  if (what == "default")
    return settings_.pools.contains(command.at(2)) ? std::nullopt : std::optional("not_found");
  const auto pool = settings_.pools.find(command.at(1));
  const bool is_there = pool != settings_.pools.end();
  // Two in one place would take each other's files for their own.
  if (what == "pool-add") return is_there || command.size() > 3 ? std::optional("exists") : std::nullopt;
  if (what == "pool-import")
    return is_there && pool->second.driver != "file" ? std::optional("exists") : std::nullopt;
  if (!is_there) return "not_found";
  if (what == "pool-set") return set_pool_refusal(command);
  return is_pool_used(command.at(1)) ? std::optional("in_use") : std::nullopt;
}

std::optional<std::string> Model::set_pool_refusal(const Words& command) const {
  const Rules& rules = settings_.pools.at(command.at(1)).rules;
  const bool is_plain = rules.copies_whole || !rules.keeps_volumes;
  const std::string& value = command.at(3);
  if (command.at(2) == "ephemeral_volatile")
    return value == "true" && is_plain ? std::optional("not_supported") : std::nullopt;
  const int revisions = std::stoi(value);
  if (revisions < 0) return "invalid_argument";
  const bool is_too_many = is_plain ? revisions != 0 : revisions > 1 && !rules.has_many_revisions;
  return is_too_many ? std::optional("not_supported") : std::nullopt;
}

void Model::change_settings(const Words& words) {
  const std::string &what = words.at(0), &name = words.at(1);
  if (what == "default") settings_.defaults[name] = words.at(2);
  if (what == "undefault") settings_.defaults.erase(name);
  if (what == "pool-remove") settings_.pools.erase(name);
  if (what == "pool-set") set_pool(name, words.at(2), words.at(3));
  if (what != "pool-add" && what != "pool-import") return;
  const std::string driver = what == "pool-add" ? words.at(2) : "file";
  const Rules& rules = rules_.at(driver);
  settings_.pools.try_emplace(
      name, Pool{.driver = driver, .rules = rules, .revisions = rules.copies_whole ? 0 : 1});
}

void Model::set_pool(const std::string& name, const std::string& key, const std::string& value) {
  Pool& pool = settings_.pools.at(name);
  if (key == "ephemeral_volatile") {
    pool.ephemeral = value == "true";
    return;
  }
  pool.revisions = std::stoi(value);
  for (auto& [vm_name, vm] : vms_)
    for (auto& [volume_name, volume] : vm.volumes)
      if (volume.pool == name && !volume.has_own_revisions) volume.revisions = pool.revisions;
}

Model::Verdict Model::judge_settings(const Words& command, const Settings& found) const {
  Verdict verdict;
  Model with = *this;
  if (!settings_refusal(command)) with.apply(join(command));
  verdict.happened = with.settings_ != settings_ && found == with.settings_;
  if (verdict.happened)
    verdict.events = {join(command)};
  else if (found != settings_)
    verdict.wrong.emplace_back("pools and defaults are neither as they were nor as they were to become");
  return verdict;
}

bool Model::is_encrypting(const Volume& volume) const {
  if (volume.kind != Kind::volatile_ || !volume.rw) return false;
  return volume.ephemeral.value_or(settings_.pools.at(volume.pool).ephemeral);
}

}  // namespace cowshed::test::model
