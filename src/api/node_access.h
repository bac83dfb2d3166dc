// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "api/types.h"
#include "app/links.h"

namespace cowshed::api {

/// Nothing where none was wished. Throws invalid_argument for a mode that is none, not_found for users and
/// groups that the host does not know.
std::optional<app::NodeAccess> to_node_access(const NodeWish& wish);

}  // namespace cowshed::api
