// SPDX-License-Identifier: Apache-2.0
#include "support/model_world.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace cowshed::test::model {

std::string difference(const Content& expected, const Content& got) {
  if (got.size() != expected.size()) return fmt::format("has {} bytes, not {}", got.size(), expected.size());
  if (got == expected) return {};
  std::vector<std::size_t> sectors;
  for (std::size_t at = 0; at < got.size(); at += sector)
    if (got.compare(at, sector, expected, at, sector) != 0) sectors.push_back(at / sector);
  return fmt::format("differs in {} sectors, from {} to {}; the first {}", sectors.size(), sectors.front(),
                     sectors.back(),
                     got.find_first_not_of('\0', sectors.front() * sector) >= (sectors.front() + 1) * sector
                         ? "reads as zeros"
                         : "holds something");
}

World::World(const std::string& driver, const Path& directory, const Path& run, const Path& sharing)
    : driver_(driver), locations_(locations_in(directory / "state", run)), report_(run.native() + "-report") {
  for (const char* name : {"file", "file-reflink", plugin_driver}) layouts_[name] = layout_of(name);
  make_directories(directory);
  if (!sharing.empty() && !std::filesystem::is_symlink(sharing_link(locations_)))
    std::filesystem::create_symlink(sharing, sharing_link(locations_));
}

const Layout& World::layout(pools::Volume& volume) const { return *layouts_.at(volume.pool().driver()); }

// --- Acting

bool World::is_by_command_line(const Words& command, const CutOff& cut_off) const {
  return cut_off.by_command_line && !cut_off.is_done_first && command_line(locations_, command).has_value();
}

Words World::program_for(const Words& command, const CutOff& cut_off) const {
  const Path own = std::filesystem::read_symlink("/proc/self/exe");
  Words program{own};
  Words rest = command;
  if (is_by_command_line(command, cut_off)) {
    program = {own.parent_path() / "cowshed"};
    rest = *command_line(locations_, command);
  } else {
    program.insert(program.end(), {carry_out_option, locations_.state, locations_.run});
    if (cut_off.is_done_first) program.emplace_back(die_option);
  }
  program.insert(program.end(), rest.begin(), rest.end());
  return program;
}

namespace {

/// "VM KIND MESSAGE"
void read_outcomes(const Outcome& outcome, Carried& carried) {
  for (const auto& line : lines_of(outcome.out)) {
    const Words words = split(line);
    carried.outcome[words.at(0)] = words.at(1);
    carried.message[words.at(0)] = line;
  }
}

/// "call NUMBER NAME"
std::map<std::string, unsigned long> read_calls(const Path& report) {
  std::map<std::string, unsigned long> calls;
  for (const auto& line : lines_of(read_file(report, mebibytes(16))))
    if (const Words words = split(line); words.at(0) == "call") ++calls[words.at(2)];
  return calls;
}

/// {"error":{"kind":"in_use", ...
std::string kind_in(const std::string& error) {
  const std::string key = "\"kind\":\"";
  const auto at = error.find(key);
  if (at == std::string::npos) return "failed";
  return error.substr(at + key.size(), error.find('"', at + key.size()) - at - key.size());
}

}  // namespace

Environment World::environment_of(const CutOff& cut_off) const {
  if (cut_off.fault) return environment_for(*cut_off.fault, report_);
  if (!cut_off.is_only_counted) return {};
  Environment environment = environment_for(Fault{}, report_);
  environment.emplace("COWSHED_FAULT_TRACE", "1");
  return environment;
}

Carried World::carry_out(const Words& command, const CutOff& cut_off) {
  const Outcome outcome = run_program(program_for(command, cut_off), environment_of(cut_off));
  Carried carried;
  carried.killed = outcome.signal == SIGKILL;
  carried.text = outcome.text();
  if (cut_off.fault) {
    const FaultReport report = read_report(report_);
    carried.hit = report.hit;
    carried.count = report.count;
  }
  if (cut_off.is_only_counted) carried.calls = read_calls(report_);
  if (!is_by_command_line(command, cut_off)) {
    read_outcomes(outcome, carried);
  } else if (!carried.killed && !Model::vms_of(command).empty()) {
    const std::string vm = Model::vms_of(command).at(0);
    carried.outcome[vm] = outcome.ok() ? "ok" : kind_in(outcome.err);
    carried.message[vm] = outcome.err;
  }
  return carried;
}

bool World::write(const std::string& vm, const std::string& volume, std::size_t offset,
                  const std::string& data) {
  const Fd fd(::open(device(vm, volume).c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
  if (!fd.is_open()) return false;
  const Memory memory = aligned(data.size());
  std::memcpy(memory.get(), data.data(), data.size());
  const ssize_t done = ::pwrite(fd.get(), memory.get(), data.size(), static_cast<off_t>(offset));
  return done == static_cast<ssize_t>(data.size());
}

void World::sync(const std::string& vm, const std::string& volume) {
  const Path path = device(vm, volume);
  sync_file(open_file(path, O_RDWR), path);
}

namespace {

void write_new(const Path& file, const std::string& content) {
  write_all(open_file(file, O_WRONLY | O_CREAT | O_TRUNC), content, file);
}

}  // namespace

void World::make_files(const Words& command) {
  for (const auto& word : command)
    if (const auto image = value_of("image", word); image && !path_exists(image_file(locations_, *image)))
      write_new(image_file(locations_, *image), image_content(*image));
  if (command.at(0) == "pool-import")
    write_new(conf_file(locations_), fmt::format("[{}]\ndriver=xen\ndir_path={}\n", command.at(1),
                                                 pool_directory(locations_, command.at(1), "file").native()));
  if (command.at(0) != "kernel") return;
  for (const char* kernel : {"k1", "k2"}) {
    make_directories(locations_.kernels() / kernel);
    write_new(locations_.kernels() / kernel / "vmlinuz", "a kernel");
  }
}

Content World::exported() const { return read_whole(exported_file(locations_), false); }

// --- Looking

std::unique_ptr<app::App> World::open() {
  return std::make_unique<app::App>(app::AppOptions{
      .locations = locations_, .lock = {.access = app::Access::write, .command = "model test"}});
}

namespace {

constexpr const char* kernel_volume = "kernel";

std::size_t size_of_device(const Path& device) {
  const Fd fd = open_file(device, O_RDONLY);
  return static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END));
}

}  // namespace

Found World::find(const std::string& vm, bool with_images) {
  const auto app = open();
  Found found;
  found.exists = app->exists_vm(VmName(vm));
  found.is_after_power_cut = with_images;
  if (!found.exists) return found;
  app::Vm& real = app->vm(VmName(vm));
  found.running = real.is_running();
  if (real.template_name()) found.above = real.template_name()->str();
  if (real.kernel()) found.kernel = real.kernel()->str();
  for (auto* volume : real.volumes())
    if (volume->properties().name.str() != kernel_volume)
      found.volumes[volume->properties().name.str()] = look_at(*volume, vm, with_images);
  return found;
}

Found::Property World::look_at(pools::Volume& volume, const std::string& vm, bool with_images) {
  const auto& properties = volume.properties();
  Found::Property property;
  property.dirty = volume.is_dirty();
  property.policy = to_string(properties.used_write_policy());
  property.rw = properties.rw;
  property.revisions = volume.revisions_to_keep();
  property.has_own_revisions = properties.revisions_to_keep.has_value();
  property.ephemeral = properties.ephemeral;
  property.keep_changes = properties.keep_changes;
  if (volume.kind() == pools::VolumeKind::snapshot && !volume.is_running())
    layout(volume).find_kept(volume, property);
  const bool is_origin = volume.kind() == pools::VolumeKind::origin;
  property.has_session = is_origin && layout(volume).has_session(volume);
  property.size = volume.size().count;
  if (volume.is_running()) property.device_size = size_of_device(device(vm, properties.name.str()));
  if (is_origin && with_images) property.image = layout(volume).next_start(volume);
  if (is_origin && !volume.is_running()) property.state = layout(volume).state(volume);
  return property;
}

namespace {

Settings settings_of(app::App& app) {
  Settings settings;
  for (const auto& [name, definition] : app.config().pools) {
    const auto& pool = app.pool(name);
    settings.pools[name.str()] = {.driver = pool.driver(),
                                  .rules = {},
                                  .revisions = pool.revisions_to_keep(),
                                  .ephemeral = pool.ephemeral_volatile()};
  }
  for (const auto& [key, pool] : app.config().defaults) settings.defaults[key] = pool.str();
  return settings;
}

}  // namespace

Settings World::settings() { return settings_of(*open()); }

void World::compare_settings(app::App& app, const Model& model, std::vector<std::string>& differences) {
  const Settings found = settings_of(app);
  for (const auto& [name, pool] : found.pools)
    if (!model.settings().pools.contains(name) || !(model.settings().pools.at(name) == pool))
      differences.push_back(fmt::format("pool {}: driver {}, {} revisions, ephemeral_volatile {}", name,
                                        pool.driver, pool.revisions, pool.ephemeral));
  for (const auto& [name, pool] : model.settings().pools)
    if (!found.pools.contains(name)) differences.push_back(fmt::format("pool {} is gone", name));
  if (found.defaults == model.settings().defaults) return;
  for (const auto& [key, pool] : found.defaults) differences.push_back(fmt::format("{} is {}", key, pool));
}

std::size_t World::count_revisions(const Target& target) {
  return open()->vm(VmName(target.vm)).volume(VolumeName(target.volume)).revisions().size();
}

std::vector<std::string> World::compare(const Model& model) {
  std::vector<std::string> differences;
  const auto app = open();
  compare_settings(*app, model, differences);
  if (app->unclean()) differences.push_back("recovery could not put everything right");
  for (const auto& listed : app->vms())
    if (!model.has(listed.name.str()))
      differences.push_back(listed.name.str() + " is there and should not be");
  for (const auto& [name, vm] : model.vms()) compare_vm(*app, model, name, differences);
  look_for_leftovers(*app, model, differences);
  return differences;
}

void World::compare_vm(app::App& app, const Model& model, const std::string& name,
                       std::vector<std::string>& differences) {
  const Vm& vm = model.vms().at(name);
  if (!app.exists_vm(VmName(name))) return differences.push_back(name + " is gone");
  app::Vm& real = app.vm(VmName(name));
  const auto state = real.state();
  if (state != (vm.running ? app::VmState::running : app::VmState::stopped))
    return differences.push_back(fmt::format("{} is {}", name, to_string(state)));
  const auto found_kernel = real.kernel() ? real.kernel()->str() : "";
  if (found_kernel != vm.kernel)
    differences.push_back(fmt::format("{} has the kernel '{}'", name, found_kernel));
  if (real.template_name() && real.template_name()->str() != vm.above)
    differences.push_back(fmt::format("{} has the template {}", name, real.template_name()->str()));
  for (const auto* volume : real.volumes()) {
    const auto& volume_name = volume->properties().name.str();
    if (volume_name != kernel_volume && !vm.volumes.contains(volume_name))
      differences.push_back(fmt::format("{}:{} is there and should not be", name, volume_name));
  }
  for (const auto& [volume_name, volume] : vm.volumes) {
    try {
      compare_volume(model, name, volume_name, real, differences);
    } catch (const Error& error) {
      differences.push_back(fmt::format("{}:{}: {}", name, volume_name, error.message()));
    }
  }
}

namespace {

using Expect = std::function<void(bool right, const std::string& what)>;

/// Whether they fit is known for sure while the source is at rest only.
void compare_kept(const Layout& layout, const Model& model, const Target& target, pools::Volume& real,
                  const Expect& expect) {
  const auto& kept = model.volume(target).kept;
  if (kept && kept->is_unknown) return;
  Found::Property found;
  layout.find_kept(real, found);
  expect(found.is_kept == kept.has_value(), kept ? "has lost what it is to keep" : "keeps something");
  if (!kept || model.refusal({"promote", target.vm, target.volume}, target.vm).value_or("in_use") != "in_use")
    return;
  const bool is_promotable = model.is_promotable(target);
  expect(found.promotable.has_value() == is_promotable,
         is_promotable ? "keeps changes of another state" : "keeps changes of this state");
  if (!is_promotable || !found.promotable) return;
  const auto wrong = difference(kept->content, *found.promotable);
  expect(wrong.empty(), "what it keeps " + wrong);
}

void compare_state(const Volume& volume, const State& found, const Expect& expect) {
  const auto committed = difference(volume.committed, found.committed);
  expect(committed.empty(), "its committed state " + committed);
  for (std::size_t i = 0; i < std::min(volume.older.size(), found.older.size()); ++i) {
    const auto revision = difference(volume.older[i].content, found.older[i]);
    expect(revision.empty(), fmt::format("its revision {} {}", i + 1, revision));
  }
}

}  // namespace

void World::compare_volume(const Model& model, const std::string& vm_name, const std::string& name,
                           app::Vm& real, std::vector<std::string>& differences) {
  const Vm& vm = model.vms().at(vm_name);
  const Volume& volume = vm.volumes.at(name);
  pools::Volume& real_volume = real.volume(VolumeName(name));
  const auto expect = [&](bool right, const std::string& what) {
    if (!right) differences.push_back(fmt::format("{}:{}: {}", vm_name, name, what));
  };
  const bool is_origin = volume.kind == Kind::origin;
  const bool is_dirty = is_origin && volume.is_dirty();
  expect(real_volume.is_dirty() == is_dirty, is_dirty ? "is not dirty" : "is dirty");
  real_volume.verify();
  // Of a throw-away VM the volatile volume has the default size, and the model knows its beginning.
  const bool is_part = vm.kind == "throwaway" && name == "volatile";
  if (volume.kind != Kind::snapshot && !is_part)
    expect(real_volume.size().count == volume.told_size(),
           fmt::format("is said to have {} bytes", real_volume.size().count));
  expect(real_volume.pool().name().str() == volume.pool,
         "lies in the pool " + real_volume.pool().name().str());
  if (is_origin)
    expect(real_volume.revisions_to_keep() == volume.revisions,
           fmt::format("is to keep {} revisions", real_volume.revisions_to_keep()));
  if (is_origin)
    expect(real_volume.revisions().size() == volume.older.size(),
           fmt::format("has {} revisions, not {}", real_volume.revisions().size(), volume.older.size()));
  const auto state = is_origin ? layout(real_volume).state(real_volume) : std::nullopt;
  if (state) compare_state(volume, *state, expect);
  if (!vm.running) {
    if (volume.keep_changes) compare_kept(layout(real_volume), model, {vm_name, name}, real_volume, expect);
    if (!is_origin) return;
    const auto wrong = difference(volume.seen(), layout(real_volume).next_start(real_volume));
    expect(state.has_value(), "has no committed state");
    return expect(wrong.empty(), "its image " + wrong);
  }
  const auto found = real.device(real_volume);
  expect(found && found->rw == volume.rw, volume.rw ? "is read-only" : "is writable");
  const auto wrong = difference(
      volume.seen(), read_whole(device(vm_name, name), true, is_part ? volume.size_now() : SIZE_MAX));
  expect(wrong.empty(), wrong);
  if (volume.kind != Kind::snapshot) return;
  if (const auto outdated = model.is_outdated({vm_name, name}))
    expect(real_volume.is_outdated() == *outdated, *outdated ? "is not outdated" : "is outdated");
}

namespace {

/// "root-cow.img.old" -> "root"
std::string volume_of(const Path& file) {
  const std::string name = file.filename();
  return name.substr(0, name.find_first_of("-."));
}

}  // namespace

void World::look_for_leftovers(app::App& app, const Model& model, std::vector<std::string>& left) const {
  for (const auto& [name, pool] : model.settings().pools) {
    const auto layout = layouts_.find(pool.driver);
    const auto place = app.pool(PoolName(name)).location();
    if (layout == layouts_.end() || !place) continue;
    for (const auto& sub : layout->second->directories())
      if (const Path directory = *place / sub; path_exists(directory))
        look_for_leftovers(directory, name, *layout->second, model, left);
  }
}

/// In the directory, one for each VM; and in each of those, files of its volumes that lie in the pool.
void World::look_for_leftovers(const Path& directory, const std::string& pool, const Layout& layout,
                               const Model& model, std::vector<std::string>& left) {
  for (const auto& vm : std::filesystem::directory_iterator(directory)) {
    const std::string name = vm.path().filename();
    if (!model.has(name)) left.push_back(vm.path());
    if (!model.has(name) || !vm.is_directory()) continue;
    for (const auto& entry : std::filesystem::directory_iterator(vm.path())) {
      const Target owner{name, volume_of(entry.path())};
      const bool is_foreign = !model.has_volume(owner) || model.volume(owner).pool != pool;
      if (is_foreign || layout.is_leftover(entry.path().filename())) left.push_back(entry.path());
    }
  }
}

}  // namespace cowshed::test::model
