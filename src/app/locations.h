// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/ids.h"

namespace cowshed::app {

/// Where an installation keeps its things; every name of a file or directory of the app layer is made here.
/// All paths are absolute. Touches nothing.
struct Locations {
  /// `state`: else $COWSHED_STATE, else /var/lib/cowshed. `run`: else $COWSHED_RUN, else /run/cowshed for the
  /// default state directory and STATE/run for any other.
  static Locations find(const std::optional<std::string>& state, const std::optional<std::string>& run);

  Path state;
  Path run;

  [[nodiscard]] Path config() const { return state / "cowshed.json"; }
  [[nodiscard]] Path lock() const { return state / "lock"; }
  [[nodiscard]] Path kernels() const { return state / "vm-kernels"; }

  static constexpr std::string_view definition_suffix = ".json";
  static constexpr std::string_view pending_suffix = ".pending";
  [[nodiscard]] Path vms() const { return state / "vms"; }
  [[nodiscard]] Path vm(const VmName& name) const { return with_suffix(vms(), name, definition_suffix); }
  /// Volumes that are being created or removed (app/pending.h).
  [[nodiscard]] Path pending(const VmName& name) const { return with_suffix(vms(), name, pending_suffix); }

  /// The service's.
  [[nodiscard]] Path socket() const { return run / "io.cowshed"; }

  [[nodiscard]] Path throwaways() const { return run / "throwaway"; }
  [[nodiscard]] Path throwaway(const VmName& name) const {
    return with_suffix(throwaways(), name, definition_suffix);
  }

  [[nodiscard]] Path devices() const { return run / "dev"; }
  [[nodiscard]] Path devices(const VmName& vm) const { return devices() / vm.str(); }
  [[nodiscard]] Path device(const VmName& vm, const std::string& volume) const {
    return devices(vm) / volume;
  }
  /// Nodes that the links above lead to where they were asked for with an owner: /run, as a rule, is mounted
  /// without devices.
  [[nodiscard]] Path nodes(const VmName& vm) const {
    return Path("/dev/cowshed") / devices(vm).relative_path();
  }
  [[nodiscard]] Path node(const VmName& vm, const std::string& volume) const { return nodes(vm) / volume; }

 private:
  static Path with_suffix(const Path& directory, const VmName& name, std::string_view suffix) {
    return directory / (name.str() + std::string(suffix));
  }
};

}  // namespace cowshed::app
