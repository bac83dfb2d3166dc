// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "base/checkup.h"
#include "base/host_paths.h"
#include "dm/control.h"

namespace cowshed::dm {

/// How the kernel is asked; tests answer in its place.
struct CheckupPorts {
  std::function<std::unique_ptr<IoctlPort>()> open = open_existing_control_device;
  /// As keyring_error() in dm/crypt_key.h.
  std::function<int()> keyring_error;
  CheckupPorts();
};

/// Device-mapper: its control device, its interface's version, each target (dm.control, dm.version,
/// dm.target.NAME), and the keyring for dm-crypt (dm.keyring). Without rights the modules are looked at in
/// place of the targets. `uses_crypt`: some volume is ephemeral, so that what only those need is needed.
void check_device_mapper(Checkup& checkup, const HostPaths& host, const CheckupPorts& ports, bool uses_crypt);

}  // namespace cowshed::dm
