// SPDX-License-Identifier: Apache-2.0
#include "app/import_conf.h"

#include "app/pool_admin.h"

namespace cowshed::app {

std::vector<ImportedPool> import_storage_conf(App& app, const Path& file, bool dry_run) {
  constexpr Bytes limit = mebibytes(1);
  std::vector<ImportedPool> result;
  NewPools missing;
  for (auto& pool : parse_storage_conf(read_file(file, limit), file)) {
    const bool existed = has_pool(app, pool.name, pool.definition);
    if (!existed) missing.emplace_back(pool.name, pool.definition);
    result.push_back({std::move(pool), existed});
  }
  if (!missing.empty()) add_pools(app, missing, dry_run);
  return result;
}

}  // namespace cowshed::app
