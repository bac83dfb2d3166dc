// SPDX-License-Identifier: Apache-2.0
//
// cowshed as the command line uses it: a start opens the installation (lock, configuration, the definitions
// of the VM and of its template) and starts the VM. Only the program itself is not started.

#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>

#include "app/app.h"
#include "app/create_vm.h"
#include "app/definition.h"
#include "base/file.h"
#include "tool.h"

namespace bench {
namespace {

using cowshed::Path;
using cowshed::VmName;
using cowshed::VolumeName;
namespace app = cowshed::app;

class Cowshed : public Tool {
 public:
  Cowshed(std::string name, const Place& place, bool is_shared)
      : Tool(std::move(name)),
        is_shared_(is_shared),
        image_(place.image),
        slots_(place.slots),
        locations_(app::Locations::find(place.directory + "/state", "/run/" + this->name())) {}

  void set_up() override {
    app::create_vm(open(), {.name = template_name(), .root_image = image_});
    for (int slot = holder; slot < slots_; ++slot) define(slot);
    if (is_shared_) start(holder);
    rest();
  }

  void tear_down() override {
    open();
    if (is_shared_) stop(holder);
    rest();
  }

  std::string start(int slot) override { return open().vm(name_of(slot)).start().at(0).path.native(); }

  void stop(int slot) override { open().vm(name_of(slot)).stop(); }

  /// As a process that ends.
  void rest() override { app_.reset(); }

  [[nodiscard]] std::string note() const override {
    if (!is_shared_) return "as cowshed, but no other VM uses the template";
    return "a start opens the installation, takes its lock and reads the definition files";
  }

 private:
  static constexpr int holder = -1;

  static VmName template_name() { return VmName("debian"); }
  static VolumeName root_name() { return VolumeName("root"); }
  static VmName name_of(int slot) { return VmName(slot == holder ? "holder" : fmt::format("work{}", slot)); }

  /// An app VM with a root and nothing else, which the command line does not make.
  void define(int slot) {
    const VmName name = name_of(slot);
    const app::VolumeDefinition root{.pool = open().vm(template_name()).volume(root_name()).pool().name(),
                                     .properties = {.name = root_name(),
                                                    .vid = cowshed::Vid("appvms/" + name.str() + "/root"),
                                                    .size = {},
                                                    .snap_on_start = true}};
    const app::VmDefinition definition{.kind = app::VmKind::app,
                                       .template_name = template_name(),
                                       .kernel = std::nullopt,
                                       .volumes = {root}};
    cowshed::replace_file(locations_.vm(name), app::encode(definition));
  }

  app::App& open() {
    if (!app_) app_.emplace(app::AppOptions{.locations = locations_, .lock = {app::Access::write, "bench"}});
    return *app_;
  }

  bool is_shared_;
  Path image_;
  int slots_;
  app::Locations locations_;
  std::optional<app::App> app_;
};

}  // namespace

std::unique_ptr<Tool> make_cowshed(const Place& place) {
  return std::make_unique<Cowshed>("cowshed", place, true);
}

std::unique_ptr<Tool> make_cowshed_alone(const Place& place) {
  return std::make_unique<Cowshed>("cowshed-alone", place, false);
}

}  // namespace bench
