// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/types.h"
#include "cli/terminal.h"

namespace cowshed::cli {

/// VMs under their templates, their volumes, and under those the layers with device, what each really holds,
/// and file. A line each, none wider than the terminal: names lose their middle, what fits least stays away.
/// Without a newline at the end.
std::string tree_text(const std::vector<api::VmInfo>& vms, const Terminal& terminal);

}  // namespace cowshed::cli
