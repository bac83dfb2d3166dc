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

#include "layers/base_files.h"
#include "layers/store_file.h"

namespace cowshed::test::model {

namespace {

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char[], Free>;

constexpr std::size_t alignment = 4096;
Memory aligned(std::size_t size) {
  return Memory(
      static_cast<char*>(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)));
}

}  // namespace

Content read_whole(const Path& path, bool direct, std::size_t most) {
  const Fd fd = open_file(path, O_RDONLY | (direct ? O_DIRECT : 0));
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) throw Error::from_errno(errno, fmt::format("size of '{}'", path.native()));
  const auto length = std::min(static_cast<std::size_t>(size), most);
  const Memory memory = aligned(length);
  for (std::size_t at = 0; at < length;) {
    const ssize_t got = ::pread(fd.get(), memory.get() + at, length - at, static_cast<off_t>(at));
    if (got <= 0) throw Error::from_errno(errno, fmt::format("read '{}' at {}", path.native(), at));
    at += static_cast<std::size_t>(got);
  }
  return {memory.get(), length};
}

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

World::World(const Path& directory, const Path& run)
    : locations_(locations_in(directory / "state", run)), report_(run.native() + "-report") {
  make_directories(directory);
}

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

void World::make_image(const std::string& image) {
  const Path file = image_file(locations_, image);
  if (path_exists(file)) return;
  write_all(open_file(file, O_WRONLY | O_CREAT | O_TRUNC), image_content(image), file);
}

// --- Looking

std::unique_ptr<app::App> World::open() {
  return std::make_unique<app::App>(app::AppOptions{
      .locations = locations_, .lock = {.access = app::Access::write, .command = "model test"}});
}

Path World::image_of(const std::string& vm, const std::string& volume, const std::string& kind) const {
  return locations_.state / (kind == "template" ? "vm-templates" : "appvms") / vm / (volume + ".img");
}

namespace {

layers::BaseFiles files_of(pools::Volume& volume) {
  const std::string image = volume.paths().path.native();
  return layers::BaseFiles(image.substr(0, image.size() - std::strlen(".img")));
}

std::size_t size_of_device(const Path& device) {
  const Fd fd = open_file(device, O_RDONLY);
  return static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END));
}

/// Merges the store, where there is one, into `content`, which has the size that it restores afterwards.
void merge(const Path& store, Content& content) {
  const auto fd = open_if_exists(store, O_RDONLY);
  if (!fd) return;
  const auto read = layers::read_from(*fd);
  cow::Reader reader(read, stat_fd(*fd, store).size, Bytes{content.size()});
  if (!reader.header()) return;
  const std::size_t restored = reader.header()->restores.value_or(Bytes{content.size()}).count;
  content.resize(std::max(content.size(), restored));
  while (const auto exception = reader.next()) {
    const std::size_t chunk = reader.header()->chunk_size.bytes().count, at = exception->old_chunk * chunk;
    if (at >= content.size()) continue;
    const auto target = std::span(content).subspan(at, std::min(chunk, content.size() - at));
    read(Bytes{exception->new_chunk * chunk}, std::as_writable_bytes(target));
  }
  content.resize(restored);
}

/// What the volume's own next start would find: the image, with what an overlay session left over it.
Content read_image(const layers::BaseFiles& files) {
  Content content = read_whole(files.image, false);
  merge(files.overlay, content);
  return content;
}

/// While it does not run.
State read_state(const layers::BaseFiles& files) {
  State state{.committed = read_whole(files.image, false), .revision = {}};
  merge(files.cow, state.committed);
  if (!path_exists(files.revision)) return state;
  state.revision = state.committed;
  merge(files.revision, *state.revision);
  return state;
}

/// Are they changes of the state that the source's image holds? Then `property` tells what they make of it.
void find_kept(pools::Volume& volume, Found::Property& property) {
  const Path kept = volume.paths().path_cow;
  property.is_kept = path_exists(kept);
  if (!property.is_kept) return;
  property.is_unchanged = layers::is_clean_store(kept);
  const auto header = layers::read_header(kept);
  const layers::BaseFiles source = files_of(volume.source());
  const auto image = stat_if_exists(source.image);
  if (!header || !header->changes || !image || path_exists(source.cow)) return;
  if (*header->changes != cow::ImageState{image->id.inode, image->modified}) return;
  Content content = read_whole(source.image, false);
  merge(kept, content);
  property.promotable = std::move(content);
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
  for (auto* volume : real.volumes()) {
    Found::Property property;
    property.dirty = volume->is_dirty();
    const layers::BaseFiles files = files_of(*volume);
    property.has_session = path_exists(files.cow) || path_exists(files.overlay);
    property.policy = to_string(volume->properties().used_write_policy());
    property.rw = volume->properties().rw;
    property.revisions = volume->revisions_to_keep();
    property.keep_changes = volume->properties().keep_changes;
    if (volume->kind() == pools::VolumeKind::snapshot && !volume->is_running()) find_kept(*volume, property);
    const bool is_origin = volume->kind() == pools::VolumeKind::origin;
    property.size = volume->size().count;
    if (volume->is_running())
      property.device_size = size_of_device(device(vm, volume->properties().name.str()));
    if (is_origin && with_images) property.image = read_image(files);
    if (is_origin && !volume->is_running()) property.state = read_state(files);
    found.volumes[volume->properties().name.str()] = std::move(property);
  }
  return found;
}

std::vector<std::string> World::compare(const Model& model) {
  std::vector<std::string> differences;
  const auto app = open();
  if (app->unclean()) differences.push_back("recovery could not put everything right");
  for (const auto& listed : app->vms())
    if (!model.has(listed.name.str()))
      differences.push_back(listed.name.str() + " is there and should not be");
  for (const auto& [name, vm] : model.vms()) compare_vm(*app, model, name, differences);
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
void compare_kept(const Model& model, const Target& target, pools::Volume& real, const Expect& expect) {
  const auto& kept = model.volume(target).kept;
  if (kept && kept->is_unknown) return;
  Found::Property found;
  find_kept(real, found);
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
  if (!volume.revision || !found.revision) return;
  const auto revision = difference(*volume.revision, *found.revision);
  expect(revision.empty(), "its revision " + revision);
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
  const bool is_part = vm.kind == "throwaway" && volume.kind == Kind::volatile_;
  if (volume.kind != Kind::snapshot && !is_part)
    expect(real_volume.size().count == volume.told_size(),
           fmt::format("is said to have {} bytes", real_volume.size().count));
  if (is_origin)
    expect(real_volume.revisions().empty() != volume.revision.has_value(),
           volume.revision ? "has lost its revision" : "has a revision");
  if (!vm.running) {
    if (volume.keep_changes) compare_kept(model, {vm_name, name}, real_volume, expect);
    if (!is_origin) return;
    const auto wrong = difference(volume.seen(), read_image(files_of(real_volume)));
    expect(wrong.empty(), "its image " + wrong);
    return compare_state(volume, read_state(files_of(real_volume)), expect);
  }
  const auto found = real.device(real_volume);
  expect(found && found->rw == volume.rw, volume.rw ? "is read-only" : "is writable");
  const auto wrong = difference(
      volume.seen(), read_whole(device(vm_name, name), true, is_part ? volume.size_now() : SIZE_MAX));
  expect(wrong.empty(), wrong);
  if (volume.kind != Kind::snapshot) return;
  if (model.source(vm_name, name).changes > volume.source_changes)
    expect(real_volume.is_outdated(), "is not outdated");
}

std::vector<std::string> World::leftovers(const Model& model) {
  std::vector<std::string> left;
  for (const char* sub : {"vm-templates", "appvms"}) {
    const Path directory = locations_.state / sub;
    if (!std::filesystem::exists(directory)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      if (!model.has(entry.path().filename())) left.push_back(entry.path());
  }
  return left;
}

}  // namespace cowshed::test::model
