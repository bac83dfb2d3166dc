// SPDX-License-Identifier: Apache-2.0
#include "support/model_commands.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "app/app.h"
#include "app/create_vm.h"
#include "app/remove_vm.h"
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
    if (key == "image")
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

void carry_out(App& app, const Words& words) {
  const std::string& what = words.at(0);
  if (what == "start" || what == "stop") return start_or_stop(app, words);
  if (what == "recover") {
    app.recover(false);
    return;
  }
  const std::string vm = Model::vms_of(words).at(0);
  try {
    if (what == "create") create(app, words);
    if (what == "remove") app::remove_vm(app.vm(VmName(vm)));
    if (what == "set") set(app, words);
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

app::Locations locations_in(const Path& state, const Path& run) { return {.state = state, .run = run}; }

Path image_file(const app::Locations& locations, const std::string& image) {
  return locations.state.parent_path() / ("image-" + image);
}

namespace {

/// `revert VM VOLUME` and so on
Words change_line(const app::Locations& locations, const Words& command) {
  const std::string& what = command.at(0);
  Words line{"volume", what, Target{command.at(1), command.at(2)}.text()};
  if (what == "resize") line.push_back(command.at(3));
  if (what == "resize" && command.size() > 4) line.emplace_back("--shrink");
  if (what != "import") return line;
  if (const auto from = value_of("from", command.at(3)))
    line.insert(line.end(), {"--from", *from});
  else
    line.push_back(image_file(locations, value_of("image", command.at(3)).value()));
  return line;
}

/// `create KIND VM ABOVE WISHES...`
Words create_line(const app::Locations& locations, const Words& command) {
  const auto &kind = command.at(1), &name = command.at(2), &above = command.at(3);
  if (kind == "throwaway") return {"vm", "run-throwaway", above, name};
  Words line{"vm", "create", name};
  if (kind == "standalone") line.emplace_back("--standalone");
  if (kind == "app") line.insert(line.end(), {"--template", above});
  if (kind == "disposable") line.insert(line.end(), {"--disposable-of", above});
  for (std::size_t i = 4; i < command.size(); ++i) {
    if (command[i].starts_with("image="))
      line.insert(line.end(), {"--root-image", image_file(locations, command[i].substr(6))});
    else if (!command[i].ends_with("=0"))
      line.insert(line.end(), {"--size", command[i]});
  }
  return line;
}

}  // namespace

std::optional<Words> command_line(const app::Locations& locations, const Words& command) {
  const std::string& what = command.at(0);
  // It asks for the id of the revision.
  if (what == "revert" && Model::back_in(command) > 0) return std::nullopt;
  // Which of several failed is known from its text only.
  if (Model::vms_of(command).size() > 1) return std::nullopt;
  Words line{"--json", "--state", locations.state, "--run", locations.run};
  Words rest;
  if (what == "create") rest = create_line(locations, command);
  if (what == "recover") rest = {"recover"};
  if (what == "start" || what == "stop" || what == "remove") rest = {"vm", what, command.at(1)};
  if (what == "set")
    rest = {"volume", "set", command.at(1) + ":" + command.at(2), command.at(3), command.at(4)};
  if (what == "discard") rest = {"vm", "stop", "--discard", command.at(1)};
  if (what == "clone") rest = {"vm", "clone", command.at(1), command.at(2)};
  if (what == "promote" || what == "revert" || what == "import" || what == "resize")
    rest = change_line(locations, command);
  line.insert(line.end(), rest.begin(), rest.end());
  return line;
}

bool carry_out_if_asked(int argc, char** argv) {
  if (argc < 5 || std::strcmp(argv[1], carry_out_option) != 0) return false;
  const bool is_to_die = std::strcmp(argv[4], die_option) == 0;
  const Words words(argv + (is_to_die ? 5 : 4), argv + argc);
  const int status = carry_out(locations_in(argv[2], argv[3]), words, is_to_die);
  std::fflush(stdout);
  ::_exit(status);
}

}  // namespace cowshed::test::model
