// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "app/app.h"
#include "app/create_vm.h"
#include "app/interruption.h"
#include "support/errors.h"
#include "support/fake_driver.h"

namespace cowshed::test {

/// An installation in a temporary directory, over drivers that keep everything in memory.
class AppTest : public ::testing::Test {
 protected:
  AppTest() {
    std::string name = ::testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    directory_ = name;
    locations_ = app::Locations::find((directory_ / "state").native(), (directory_ / "run").native());
  }
  ~AppTest() override {
    app::clear_interruption();
    app_.reset();
    std::filesystem::remove_all(directory_);
  }

  app::AppOptions options(app::Access access = app::Access::write) {
    app::AppOptions result;
    result.locations = locations_;
    result.lock = {access, "test", std::chrono::milliseconds(50)};
    result.drivers = &drivers_;
    return result;
  }
  /// Opened for writing on first use.
  app::App& app() {
    if (!app_) app_ = std::make_unique<app::App>(options());
    return *app_;
  }
  /// As after another process came and went.
  app::App& reopen() {
    app_.reset();
    return app();
  }
  /// As after a process that was killed: what it held is not let go of in good order.
  app::App& reopen_after_crash() {
    app_.reset();
    write(locations_.lock(), "4242 vm start work");
    return app();
  }

  app::Vm& create(const std::string& name, app::VmKind kind = app::VmKind::template_,
                  const std::string& above = "") {
    app::NewVm wanted{.name = VmName(name), .kind = kind};
    if (!above.empty()) wanted.template_name = VmName(above);
    return app::create_vm(app(), std::move(wanted));
  }
  /// t, its app VM work, and its disposable d.
  void create_three() {
    create("t");
    create("work", app::VmKind::app, "t");
    create("d", app::VmKind::disposable, "work");
  }
  app::Vm& vm(const std::string& name) { return app().vm(VmName(name)); }
  pools::Volume& volume(const std::string& vm_name, const std::string& name) {
    return vm(vm_name).volume(VolumeName(name));
  }

  static void write(const Path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::trunc) << text;
  }
  static std::string read(const Path& file) { return read_file(file, mebibytes(1)); }
  static std::set<std::string> names_in(const Path& directory) {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
      names.insert(entry.path().filename());
    return names;
  }
  bool was_called(const std::string& call) {
    return std::find(world_.calls.begin(), world_.calls.end(), call) != world_.calls.end();
  }

  Path directory_;
  app::Locations locations_;
  FakeWorld world_;
  std::vector<pools::Driver> drivers_ = fake_drivers(world_);
  std::unique_ptr<app::App> app_;
};

}  // namespace cowshed::test
