// SPDX-License-Identifier: Apache-2.0
#include "support/model_commands.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "app/app.h"
#include "app/create_vm.h"
#include "app/import_conf.h"
#include "app/pool_admin.h"
#include "app/remove_vm.h"
#include "app/vm_settings.h"
#include "app/volume_admin.h"
#include "app/volume_content.h"
#include "base/undo.h"

namespace cowshed::test::model {

namespace {

using app::App;

void tell(const std::string& vm, const Error* error) {
  if (error == nullptr)
    std::printf("%s ok\n", vm.c_str());
  else
    std::printf("%s %s %s\n", vm.c_str(), std::string(to_string(error->kind())).c_str(),
                error->message().c_str());
}

void tell(const std::vector<app::VmOutcome>& outcomes) {
  for (const auto& outcome : outcomes) tell(outcome.vm.str(), outcome.error ? &*outcome.error : nullptr);
}

app::VmKind kind_of(const std::string& text) {
  for (const auto kind :
       {app::VmKind::template_, app::VmKind::standalone, app::VmKind::app, app::VmKind::disposable})
    if (to_string(kind) == text) return kind;
  throw Error(ErrorKind::invalid_argument, "unknown kind " + text);
}

void create(App& app, const Words& words) {
  const VmName name(words.at(2));
  if (words.at(1) == "throwaway") {
    app::Vm& vm = app::create_throwaway(app, app.vm(VmName(words.at(3))), name);
    Undo remove([&] { app::remove_throwaway(vm); });
    vm.start();
    remove.release();
    return;
  }
  app::NewVm wanted{.name = name, .kind = kind_of(words.at(1))};
  if (words.at(3) != "-") wanted.template_name = VmName(words.at(3));
  for (std::size_t i = 4; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    const auto key = words[i].substr(0, equals), value = words[i].substr(equals + 1);
    if (key == "pool")
      wanted.volumes.pool = PoolName(value);
    else if (key.starts_with("pool:"))
      wanted.volumes.pools.emplace(VolumeName(key.substr(5)), PoolName(value));
    else if (key == "image")
      wanted.root_image = image_file(app.locations(), value);
    else if (value != "0")
      wanted.volumes.sizes.emplace(VolumeName(key), Bytes{std::stoull(value)});
  }
  app::create_vm(app, wanted);
}

/// For VMs that are started or stopped together; one that does not exist does not hold the others.
void start_or_stop(App& app, const Words& words) {
  std::vector<app::Vm*> vms;
  for (const auto& name : Model::vms_of(words)) vms.push_back(&app.vm(VmName(name)));
  tell(words.at(0) == "start" ? app.start(vms) : app.stop(vms));
}

std::pair<app::Vm*, pools::Volume*> find(App& app, const std::string& vm, const std::string& volume) {
  app::Vm& found = app.vm(VmName(vm));
  return {&found, &found.volume(VolumeName(volume))};
}

void set(App& app, const Words& words) {
  const auto [vm, volume] = find(app, words.at(1), words.at(2));
  app::set_volume_property(*vm, *volume, words.at(3), words.at(4));
}

/// The id of that one, from the newest back; nothing where that is the newest.
std::optional<std::string> revision_of(pools::Volume& volume, std::size_t back) {
  if (back == 0) return std::nullopt;
  const auto all = volume.revisions();
  return back < all.size() ? all.at(all.size() - 1 - back).id : "none";
}

void change(App& app, const Words& words) {
  const auto [vm, volume] = find(app, words.at(1), words.at(2));
  const std::string& what = words.at(0);
  if (what == "promote") app::promote(*vm, *volume, nullptr);
  if (what == "revert") app::revert(*vm, *volume, revision_of(*volume, Model::back_in(words)), nullptr);
  if (what == "resize") app::resize(*vm, *volume, Bytes{std::stoull(words.at(3))}, words.size() > 4, nullptr);
  if (what != "import") return;
  if (const auto image = value_of("image", words.at(3)))
    return app::import_file(*vm, *volume, image_file(app.locations(), *image), nullptr);
  const auto source = Target::parse(value_of("from", words.at(3)).value());
  const auto [from_vm, from] = find(app, source.vm, source.volume);
  app::import_volume(*vm, *volume, *from, nullptr);
}

/// KIND SIZE POOL|-, or from=VM:VOLUME POOL|-
void create_volume(App& app, const Words& words) {
  app::NewVolume wanted{.properties = {.name = VolumeName(words.at(2)), .vid = Vid("none")}};
  wanted.properties.snap_on_start = words.at(3) == "snapshot";
  wanted.properties.save_on_stop = words.at(3) == "origin" || words.at(0) == "clone-volume";
  if (words.back() != "-") wanted.pool = PoolName(words.back());
  pools::CreateOptions content;
  if (words.at(0) == "clone-volume") {
    const auto source = Target::parse(value_of("from", words.at(3)).value());
    content.from = find(app, source.vm, source.volume).second;
    wanted.size = content.from->size();
  } else if (words.at(4) != "0") {
    wanted.size = Bytes{std::stoull(words.at(4))};
  }
  app::create_volume(app.vm(VmName(words.at(1))), std::move(wanted), content);
}

/// Its own place, or that of another pool.
Path directory_for(const App& app, const Words& pool_add) {
  if (pool_add.size() < 4) return pool_directory(app.locations(), pool_add.at(1), pool_add.at(2));
  const PoolName other(value_of("at", pool_add.at(3)).value());
  return app.config().pools.at(other).parameters.at("dir_path");
}

app::PoolDefinition definition_of(const std::string& driver, const Path& directory) {
  app::PoolDefinition definition;
  if (driver != plugin_driver) definition.driver = driver;
  definition.parameters = {{"dir_path", directory.native()}};
  if (driver == plugin_driver) definition.plugin = plugin_file();
  return definition;
}

void export_volume(App& app, const Words& words) {
  const auto [vm, volume] = find(app, words.at(1), words.at(2));
  app::export_file(*vm, *volume, exported_file(app.locations()), nullptr);
}

void change_settings(App& app, const Words& words) {
  const std::string &what = words.at(0), &name = words.at(1);
  if (what == "default") app::set_default(app, name, PoolName(words.at(2)));
  if (what == "undefault") app::unset_default(app, name);
  if (what == "pool-remove") app::remove_pool(app, PoolName(name));
  if (what == "pool-set") app::set_pool(app, PoolName(name), words.at(2), words.at(3));
  if (what == "pool-import") app::import_storage_conf(app, conf_file(app.locations()), false);
  if (what == "pool-add")
    app::add_pool(app, PoolName(name), definition_of(words.at(2), directory_for(app, words)));
}

void carry_out(App& app, const Words& words) {
  const std::string& what = words.at(0);
  if (what == "start" || what == "stop") return start_or_stop(app, words);
  if (what == "recover") {
    app.recover(words.size() > 1);
    return;
  }
  const std::string vm = Model::vms_of(words).at(0);
  try {
    if (what == "create") create(app, words);
    if (what == "remove") app::remove_vm(app.vm(VmName(vm)));
    if (what == "set") set(app, words);
    if (what == "create-volume" || what == "clone-volume") create_volume(app, words);
    if (what == "remove-volume") app::remove_volume(app.vm(VmName(vm)), VolumeName(words.at(2)));
    if (what == "template" || what == "kernel") app::set_vm(app.vm(VmName(vm)), what, words.at(2));
    if (what == "export") export_volume(app, words);
    if (Model::is_about_settings(words)) change_settings(app, words);
    if (what == "discard") app.vm(VmName(vm)).stop({.discard = true});
    if (what == "clone") app::clone_vm(app.vm(VmName(words.at(1))), VmName(vm), nullptr);
    if (what == "promote" || what == "revert" || what == "import" || what == "resize") change(app, words);
    tell(vm, nullptr);
  } catch (const Error& error) {
    tell(vm, &error);
  }
}

int carry_out(const app::Locations& locations, const Words& words, bool is_to_die) {
  try {
    App app({.locations = locations, .lock = {.access = app::Access::write, .command = join(words)}});
    carry_out(app, words);
    if (is_to_die) {
      std::fflush(stdout);
      ::raise(SIGKILL);
    }
    return 0;
  } catch (const Error& error) {
    for (const auto& vm : Model::vms_of(words)) tell(vm, &error);
    return 1;
  }
}

}  // namespace

bool carry_out_if_asked(int argc, char** argv) {
  if (argc < 5 || std::strcmp(argv[1], carry_out_option) != 0) return false;
  const bool is_to_die = std::strcmp(argv[4], die_option) == 0;
  const Words words(argv + (is_to_die ? 5 : 4), argv + argc);
  const int status = carry_out(locations_in(argv[2], argv[3]), words, is_to_die);
  std::fflush(stdout);
  ::_exit(status);
}

}  // namespace cowshed::test::model
