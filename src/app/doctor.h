// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "app/app.h"
#include "base/checkup.h"
#include "base/host_paths.h"
#include "dm/checkup.h"
#include "io/backend.h"

namespace cowshed::app {

/// The host as the doctor sees it; tests build another one.
struct Patient {
  HostPaths host;
  dm::CheckupPorts device_mapper;
  io::BackendFactory open_uring = io::open_uring;
};

/// Looks at everything that an installation needs of its host, and at the installation itself: kernel,
/// device-mapper, loop devices, io_uring, udev, LVM, pools, rights, limits, programs, what a crash left.
/// Changes nothing: what can be tried only by writing is tried with files that never have a name, where that
/// is permitted, and no module is loaded. Needs no rights; what they would show is unknown then. Waits for
/// nobody's lock. Does not throw because of what it finds.
std::vector<Check> examine(const AppOptions& options, const Patient& patient = {});

}  // namespace cowshed::app
