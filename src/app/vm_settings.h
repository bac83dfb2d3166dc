// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "app/app.h"

namespace cowshed::app {

/// `template` or `kernel`, durably; the VM, and the VMs that have it as template, must be stopped. Throws
/// invalid_argument listing the keys there are, running, not_found; then nothing changed.
void set_vm(Vm& vm, std::string_view key, const std::string& value);

}  // namespace cowshed::app
