// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>

#include "base/host_paths.h"

namespace cowshed {

/// The kernel that runs: "6.1.0-42-amd64" is 6.1.
struct KernelRelease {
  std::string text;
  unsigned major = 0, minor = 0;

  /// Throws not_supported for what is no version.
  static KernelRelease of(const HostPaths& host);
  [[nodiscard]] bool is_at_least(unsigned wanted_major, unsigned wanted_minor) const {
    return major != wanted_major ? major > wanted_major : minor >= wanted_minor;
  }
};

enum class ModuleState {
  /// Or built in, where that shows.
  loaded,
  /// The kernel has it loaded when it is first needed.
  loadable,
  /// There is a file, but kernel.modules_disabled or a line "install" of modprobe's configuration forbids it.
  refused,
  missing
};
/// Looks for a module, whose words may be joined by '-' or '_', without loading it.
ModuleState module_state(const HostPaths& host, std::string_view name);

}  // namespace cowshed
