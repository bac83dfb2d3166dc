// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/checkup.h"
#include "base/host_paths.h"

namespace cowshed::loop {

/// The loop driver: its control device (loop.control), what the kernel's one can do (loop.configure), and how
/// many devices there are and can be (loop.limit). Opens no loop device.
void check_loop(Checkup& checkup, const HostPaths& host);

}  // namespace cowshed::loop
