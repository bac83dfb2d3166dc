// SPDX-License-Identifier: Apache-2.0
#include "app/pool_relations.h"

#include <algorithm>

#include "base/file_system.h"

namespace cowshed::app {

namespace {

struct Place {
  Path directory;
  std::uint64_t file_system;
};

std::optional<Place> place_of(App& app, const PoolName& pool) try {
  const auto location = app.pool(pool).location();
  if (!location) return std::nullopt;
  return Place{std::filesystem::canonical(*location), file_system_of(*location).device};
} catch (const std::exception&) {
  return std::nullopt;
}

/// Or is the same.
bool holds(const Path& outer, const Path& inner) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

}  // namespace

PoolRelations relations_of(App& app, const PoolName& pool) {
  PoolRelations result;
  const auto own = place_of(app, pool);
  if (!own) return result;
  std::size_t nearest = 0;
  for (const auto& [name, definition] : app.config().pools) {
    const auto other = name == pool ? std::nullopt : place_of(app, name);
    if (!other || other->file_system != own->file_system) continue;
    result.shares_space_with.push_back(name);
    // Of two over one directory the first holds the second, not each the other.
    const bool is_outer =
        holds(other->directory, own->directory) && (other->directory != own->directory || name < pool);
    if (!is_outer || other->directory.native().size() < nearest) continue;
    nearest = other->directory.native().size();
    result.included_in = name;
  }
  return result;
}

}  // namespace cowshed::app
