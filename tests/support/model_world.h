// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/app.h"
#include "support/model_commands.h"
#include "support/model_layout.h"
#include "support/model_step.h"

namespace cowshed::test::model {

struct Carried {
  bool killed = false;
  /// The call at which it was killed.
  std::optional<std::string> hit;
  /// How many calls counted; 0 where it was killed.
  unsigned long count = 0;
  /// With is_only_counted: how often it made each call.
  std::map<std::string, unsigned long> calls;
  /// "ok", or the kind of error, of each VM; and the whole message.
  std::map<std::string, std::string> outcome, message;
  std::string text;
};

/// A real installation on the VM's file system, as far as the model tests act on it and look at it.
class World {
 public:
  /// `driver`: the one that a first start is to pick there. `sharing`: on a file system that shares extents,
  /// where there is one for more pools; else empty.
  World(const std::string& driver, const Path& directory, const Path& run, const Path& sharing);

  Carried carry_out(const Words& command, const CutOff& cut_off = {});
  /// What `cut_off` comes to for that command.
  [[nodiscard]] bool is_by_command_line(const Words& command, const CutOff& cut_off) const;
  /// As its guest: by O_DIRECT. False where the kernel refuses it.
  bool write(const std::string& vm, const std::string& volume, std::size_t offset, const std::string& data);
  void sync(const std::string& vm, const std::string& volume);

  /// Opens the installation as the next command would, which recovers what was cut off, and looks at a VM.
  Found find(const std::string& vm, bool with_images);
  /// Likewise at pools and defaults.
  Settings settings();
  /// Every difference between the installation and the model, a line each: settings, VMs, states, every byte
  /// of every running volume and of the image of every stopped one, and files that belong to nothing.
  std::vector<std::string> compare(const Model& model);
  /// How many it says it has.
  std::size_t count_revisions(const Target& target);

  /// Makes the files that it asks for.
  void make_files(const Words& command);
  /// What an export wrote.
  [[nodiscard]] Content exported() const;
  [[nodiscard]] const app::Locations& locations() const { return locations_; }
  /// Where the device of a running volume is found.
  [[nodiscard]] Path device(const std::string& vm, const std::string& volume) const {
    return locations_.device(VmName(vm), volume);
  }

 private:
  std::unique_ptr<app::App> open();
  [[nodiscard]] const Layout& layout(pools::Volume& volume) const;
  Found::Property look_at(pools::Volume& volume, const std::string& vm, bool with_images);
  static void compare_settings(app::App& app, const Model& model, std::vector<std::string>& differences);
  void look_for_leftovers(app::App& app, const Model& model, std::vector<std::string>& left) const;
  static void look_for_leftovers(const Path& directory, const std::string& pool, const Layout& layout,
                                 const Model& model, std::vector<std::string>& left);
  void compare_vm(app::App& app, const Model& model, const std::string& name,
                  std::vector<std::string>& differences);
  void compare_volume(const Model& model, const std::string& vm, const std::string& volume, app::Vm& real,
                      std::vector<std::string>& differences);

  [[nodiscard]] Environment environment_of(const CutOff& cut_off) const;
  [[nodiscard]] Words program_for(const Words& command, const CutOff& cut_off) const;

  std::string driver_;
  std::map<std::string, std::unique_ptr<Layout>> layouts_;
  app::Locations locations_;
  Path report_;
};

/// Empty where they are equal.
std::string difference(const Content& expected, const Content& got);

}  // namespace cowshed::test::model
