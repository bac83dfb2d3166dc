// SPDX-License-Identifier: Apache-2.0
// Commands of the model for the command line, and where what they name lies.
#include <filesystem>

#include "support/model_commands.h"

namespace cowshed::test::model {

app::Locations locations_in(const Path& state, const Path& run) { return {.state = state, .run = run}; }

Path image_file(const app::Locations& locations, const std::string& image) {
  return locations.state.parent_path() / ("image-" + image);
}

Path pool_directory(const app::Locations& locations, const std::string& pool, const std::string& driver) {
  if (driver == "file-reflink") return std::filesystem::read_symlink(sharing_link(locations)) / pool;
  return locations.state.parent_path() / "pools" / pool;
}

Path sharing_link(const app::Locations& locations) { return locations.state.parent_path() / "sharing"; }
Path conf_file(const app::Locations& locations) { return locations.state.parent_path() / "storage.conf"; }
Path exported_file(const app::Locations& locations) { return locations.state.parent_path() / "exported"; }

Path plugin_file() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / (std::string(plugin_driver) + ".so");
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
    if (command[i].starts_with("pool="))
      line.insert(line.end(), {"-P", command[i].substr(5)});
    else if (command[i].starts_with("pool:"))
      line.insert(line.end(), {"-p", command[i].substr(5)});
    else if (command[i].starts_with("image="))
      line.insert(line.end(), {"--root-image", image_file(locations, command[i].substr(6))});
    else if (!command[i].ends_with("=0"))
      line.insert(line.end(), {"--size", command[i]});
  }
  return line;
}

/// `create-volume VM VOLUME KIND SIZE POOL|-`, `clone-volume VM VOLUME from=VM:VOLUME POOL|-`
Words new_volume_line(const Words& command) {
  const std::string name = Target{command.at(1), command.at(2)}.text();
  Words line{"volume", "create", name};
  if (command.at(0) == "clone-volume")
    line = {"volume", "clone", name, value_of("from", command.at(3)).value()};
  else if (command.at(4) != "0")
    line.insert(line.end(), {"--size", command.at(4)});
  if (command.back() != "-") line.insert(line.end(), {"--pool", command.back()});
  if (command.at(3) == "snapshot") line.emplace_back("snap_on_start=true");
  if (command.at(3) == "volatile") line.emplace_back("save_on_stop=false");
  return line;
}

Words settings_line(const app::Locations& locations, const Words& command) {
  const std::string &what = command.at(0), &name = command.at(1);
  if (what == "default") return {"config", "set", name, command.at(2)};
  if (what == "undefault") return {"config", "unset", name};
  if (what == "pool-remove") return {"pool", "remove", name};
  if (what == "pool-set") return {"pool", "set", name, command.at(2), command.at(3)};
  if (what == "pool-import") return {"pool", "import-conf", conf_file(locations)};
  const std::string& driver = command.at(2);
  Words line{"pool", "add", name, "-o", "dir_path=" + pool_directory(locations, name, driver).native()};
  if (driver == plugin_driver)
    line.insert(line.end(), {"--plugin", plugin_file()});
  else
    line.insert(line.end(), {"--driver", driver});
  return line;
}

}  // namespace

std::optional<Words> command_line(const app::Locations& locations, const Words& command) {
  const std::string& what = command.at(0);
  // It asks for the id of the revision.
  if (what == "revert" && Model::back_in(command) > 0) return std::nullopt;
  // Which of several failed is known from its text only.
  if (Model::vms_of(command).size() > 1) return std::nullopt;
  // Where that lies only the installation knows.
  if (what == "pool-add" && command.size() > 3) return std::nullopt;
  Words line{"--json", "--state", locations.state, "--run", locations.run};
  Words rest;
  if (what == "create") rest = create_line(locations, command);
  if (what == "recover") rest = {"recover"};
  if (what == "recover" && command.size() > 1) rest.emplace_back("--dry-run");
  if (Model::is_about_settings(command)) rest = settings_line(locations, command);
  if (what == "create-volume" || what == "clone-volume") rest = new_volume_line(command);
  if (what == "remove-volume") rest = {"volume", "remove", command.at(1) + ":" + command.at(2)};
  if (what == "export")
    rest = {"volume", "export", command.at(1) + ":" + command.at(2), exported_file(locations)};
  if (what == "template" || what == "kernel") rest = {"vm", "set", command.at(1), what, command.at(2)};
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

}  // namespace cowshed::test::model
