// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "api/types.h"

namespace cowshed::api {

/// Fills in LayerInfo::shared_by: whose layers stand on each, among `vms`.
void add_sharers(std::vector<VmInfo>& vms);

}  // namespace cowshed::api
