// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/recover.h"
#include "app/vm_names.h"
#include "base/log.h"
#include "base/undo.h"
#include "io/sharing.h"
#include "pools/plugin_loader.h"

namespace cowshed::app {

namespace {

const PoolName& first_pool() {
  static const PoolName name("varlib");
  return name;
}
const PoolName& kernel_pool() {
  static const PoolName name("linux-kernel");
  return name;
}

constexpr const char* reflink_driver = "file-reflink";

/// Also of a directory that is not there yet; false where it cannot be tried.
bool shares_extents(Path directory) {
  while (!path_exists(directory) && directory.has_relative_path()) directory = directory.parent_path();
  try {
    return io::can_share_in(directory);
  } catch (const Error&) {
    return false;
  }
}

template <typename Map>
std::string names_of(const Map& map) {
  std::vector<std::string_view> names;
  names.reserve(map.size());
  for (const auto& [name, value] : map) names.push_back(name.str());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

App::App(AppOptions options) : options_(std::move(options)) {
  if (options_.drivers == nullptr) options_.drivers = &pools::drivers();
  if (options_.lock.access != Access::write) host_.only_look();
  take_lock();
  load_config();
  // Recovery leaves to the guard what is the guard's.
  if (options_.guards_space) host_.set_guarded(true);
  recover_if_due();
  if (options_.guards_space) begin_guard();
}

void App::recover_if_due() {
  if (!lock_ || !lock_->unclean() || options_.lock.access != Access::write) return;
  if (!path_exists(locations().config()))
    lock_->set_recovered();
  else if (options_.recover_when_due)
    run_due_recovery(*this, *lock_);
}

App::~App() {
  drop_warm();
  finish_pools();
  if (options_.guards_space) end_guard();
  vms_.clear();
  pools_.clear();
}

void App::take_lock() {
  if (options_.lock.access == Access::within) return;
  lock_ = std::make_unique<StateLock>(locations().lock(), options_.lock);
  if (!lock_->is_held()) lock_.reset();
  // Until it was recovered, by us or by whoever comes next.
  if (lock_ && lock_->unclean()) lock_->leave_unclean();
}

void App::while_unlocked(const std::function<void()>& body) {
  if (options_.stays_locked) return Turn::step_aside(body);
  // They would be in the way of others, who know nothing of them.
  allow_warm(false);
  drop_warm();
  lock_.reset();
  const Undo lock_again([this] {
    options_.lock.wait = std::chrono::hours(24 * 365);
    take_lock();
    allow_warm(is_locked());
  });
  body();
}

const std::optional<std::string>& App::unclean() const {
  static const std::optional<std::string> nothing;
  return lock_ ? lock_->unclean() : nothing;
}

void App::leave_unclean() {
  is_recovery_due_ = true;
  if (lock_) lock_->leave_unclean();
}

void App::finish_pools() {
  for (const auto& [name, pool] : pools_) {
    try {
      pool->finish();
    } catch (const std::exception& failure) {
      log_warning(fmt::format("pool '{}': {}", name.str(), failure.what()));
      leave_unclean();
    }
  }
}

std::string App::first_driver() const {
  const bool is_there =
      std::ranges::any_of(drivers(), [](const auto& d) { return d.name == reflink_driver; });
  return is_there && shares_extents(locations().state) ? reflink_driver : "file";
}

Config App::first_config() const {
  Config config;
  config.pools[first_pool()] = {first_driver(), 1, {{"dir_path", locations().state.native()}}};
  config.pools[kernel_pool()] = {
      "linux-kernel", std::nullopt, {{"dir_path", locations().kernels().native()}}};
  config.defaults.emplace("default_pool_kernel", kernel_pool());
  return config;
}

void App::load_config() {
  const Path file = locations().config();
  const auto text = read_file_if_exists(file, definition_limit);
  config_ = text ? decode_config(*text, file) : first_config();
}

void App::initialise() {
  make_directories(locations().state);
  if (!lock_) take_lock();
  if (!path_exists(locations().config())) lock_->set_recovered();
  if (path_exists(locations().config())) {
    // Somebody else's first start came between: theirs counts.
    const std::lock_guard guard(registry_mutex_);
    if (vms_.empty() && pools_.empty()) load_config();
    return;
  }
  make_directories(locations().vms());
  for (const auto& entry : config_.pools)
    in_context([&] { return fmt::format("set up pool '{}'", entry.first.str()); },
               [&] { pool(entry.first).setup().get(); });
  save_config(config_);
}

void App::reload() {
  const Path file = locations().config();
  const auto text = read_file_if_exists(file, definition_limit);
  if (!text) return;
  Config config = decode_config(*text, file);
  if (config.pools != config_.pools)
    throw Error(ErrorKind::in_use,
                fmt::format("'{}': pools were changed: that takes a new start of the service; "
                            "cowshed pool add, set and remove work at once",
                            file.native()))
        .at("/pools");
  config_ = std::move(config);
}

void App::save_config(Config config) {
  const std::string text = encode(config);
  replace_file(locations().config(), text);
  config_ = std::move(config);
}

const pools::Driver& App::driver_of(const PoolDefinition& definition) const {
  if (definition.plugin) return pools::load_plugin(*definition.plugin);
  const auto driver = std::find_if(drivers().begin(), drivers().end(),
                                   [&](const auto& known) { return known.name == definition.driver; });
  if (driver != drivers().end()) return *driver;
  std::vector<std::string_view> known;
  for (const auto& other : drivers()) known.push_back(other.name);
  throw Error(ErrorKind::not_found, fmt::format("there is no driver '{}'; there are: {}", definition.driver,
                                                fmt::join(known, ", ")));
}

std::unique_ptr<pools::Pool> App::make_pool(const PoolName& name, const PoolDefinition& definition) {
  const auto at = [](const char* pointer, auto body) -> decltype(body()) {
    try {
      return body();
    } catch (Error& error) {
      error.at(pointer);
      throw;
    }
  };
  const auto& driver = at(definition.plugin ? "/plugin" : "/driver",
                          [&]() -> const pools::Driver& { return driver_of(definition); });
  at("/ephemeral_volatile", [&] { pools::check_ephemeral_volatile(driver, definition.ephemeral_volatile); });
  auto pool = driver.make(
      {name, pools::check_parameters(driver, definition.parameters), definition.revisions_to_keep}, context_);
  pool->set_ephemeral_volatile(definition.ephemeral_volatile);
  pool->set_space(definition.space);
  return pool;
}

pools::Pool& App::pool(const PoolName& name) {
  const std::lock_guard guard(registry_mutex_);
  if (const auto found = pools_.find(name); found != pools_.end()) return *found->second;
  const auto definition = config_.pools.find(name);
  if (definition == config_.pools.end())
    throw Error(ErrorKind::not_found,
                fmt::format("there is no pool '{}'; there are: {}", name.str(), names_of(config_.pools)));
  try {
    return *pools_.emplace(name, make_pool(name, definition->second)).first->second;
  } catch (Error& error) {
    const auto pointer = fmt::format("/pools/{}{}", name.str(), error.json_pointer());
    error.add_context(fmt::format("'{}' at {}", locations().config().native(), pointer)).at(pointer);
    throw;
  }
}

std::shared_ptr<const void> App::pin(const VmName& name) {
  const std::lock_guard guard(registry_mutex_);
  auto& pinned = pins_[name];
  if (auto others = pinned.lock()) return others;
  auto first = std::make_shared<const int>(0);
  pinned = first;
  return first;
}

void App::require_unpinned(const VmName& name) {
  const std::lock_guard guard(registry_mutex_);
  std::erase_if(pins_, [](const auto& entry) { return entry.second.expired(); });
  if (pins_.contains(name))
    throw Error(ErrorKind::in_use,
                fmt::format("another command works with vm '{}'; try again when it is done", name.str()));
}

VmName App::free_name() {
  for (;;) {
    VmName name(fmt::format("disp{}", ++throwaways_));
    if (!exists_vm(name) && !path_exists(locations().pending(name))) return name;
  }
}

bool App::exists_vm(const VmName& name) {
  const std::lock_guard guard(registry_mutex_);
  return vms_.contains(name) || path_exists(locations().vm(name)) || path_exists(locations().throwaway(name));
}

std::unique_ptr<Vm> App::load(const VmName& name) {
  for (const bool is_throwaway : {false, true}) {
    const Path file = is_throwaway ? locations().throwaway(name) : locations().vm(name);
    if (const auto text = read_file_if_exists(file, definition_limit))
      return std::make_unique<Vm>(*this, name, decode_vm(*text, file), is_throwaway);
  }
  return nullptr;
}

Vm* App::find_vm(const VmName& name) {
  const std::lock_guard guard(registry_mutex_);
  if (const auto found = vms_.find(name); found != vms_.end()) return found->second.get();
  auto loaded = load(name);
  return loaded ? &adopt(std::move(loaded)) : nullptr;
}

Vm& App::vm(const VmName& name) {
  if (Vm* found = find_vm(name)) return *found;
  throw Error(ErrorKind::not_found, fmt::format("there is no vm '{}'", name.str()));
}

Vm& App::adopt(std::unique_ptr<Vm> vm) {
  const std::lock_guard guard(registry_mutex_);
  const VmName name = vm->name();
  return *vms_.insert_or_assign(name, std::move(vm)).first->second;
}

void App::forget(const VmName& name) {
  const std::lock_guard guard(registry_mutex_);
  forget_references();
  vms_.erase(name);
}

void App::forget_references() {
  const std::lock_guard guard(registry_mutex_);
  for (const auto& [name, vm] : vms_) vm->forget_references();
}

Vm& App::template_of(Vm& vm) {
  const VmName& name = *vm.template_name();
  Vm* const found =
      in_context([&] { return fmt::format("{}: template", label(vm)); }, [&] { return find_vm(name); });
  if (found == nullptr)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{} has the template '{}', which does not exist", label(vm), name.str()))
        .at("/template");
  return *found;
}

std::vector<VmName> App::vm_names() const {
  auto stored = names_in(locations().vms(), Locations::definition_suffix);
  const auto throwaway = names_in(locations().throwaways(), Locations::definition_suffix);
  stored.insert(throwaway.begin(), throwaway.end());
  return {stored.begin(), stored.end()};
}

std::vector<ListedVm> App::vms() {
  std::vector<ListedVm> result;
  for (const auto& name : vm_names()) {
    ListedVm& listed = result.emplace_back(ListedVm{name, nullptr, std::nullopt});
    try {
      listed.vm = &vm(name);
    } catch (const Error& error) {
      listed.error = error;
    }
  }
  return result;
}

std::vector<Vm*> App::all_vms(std::string_view why) {
  std::vector<Vm*> result;
  for (auto& listed : vms()) {
    if (listed.error) throw listed.error->add_context(fmt::format("cannot tell {}", why));
    result.push_back(listed.vm);
  }
  return result;
}

void App::save(const Vm& vm) { replace_file(locations().vm(vm.name()), encode(vm.definition())); }

pools::RecoveryReport App::recover(bool dry_run) {
  auto report = recover_all(*this, dry_run);
  if (!dry_run && lock_) report.complete ? lock_->set_recovered() : lock_->leave_unclean();
  return report;
}

}  // namespace cowshed::app
