// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "app/tree_scan.h"

namespace cowshed::app {

/// Throws in_use where a loop device is over a file of these VMs: another program's layers run there, and
/// what both of them write would be lost. Names file, loop device and the devices that stand on it.
void refuse_foreign_layers(std::span<const FoundVm* const> vms);

}  // namespace cowshed::app
