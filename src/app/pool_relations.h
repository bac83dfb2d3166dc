// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "app/app.h"

namespace cowshed::app {

/// With which pools one shares its space, so that nobody counts that twice. As far as it can be seen: a pool
/// that is broken or whose directory is missing is in no relation to any.
struct PoolRelations {
  /// The nearest pool whose directory holds this one's, on the same file system.
  std::optional<PoolName> included_in;
  /// On the same file system, by name.
  std::vector<PoolName> shares_space_with;
};
PoolRelations relations_of(App& app, const PoolName& pool);

}  // namespace cowshed::app
