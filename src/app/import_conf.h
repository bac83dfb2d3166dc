// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "app/app.h"
#include "app/storage_conf.h"

namespace cowshed::app {

struct ImportedPool {
  ConfPool pool;
  /// It was there before, the same.
  bool existed = false;
};

/// Adds the pools of a Qubes R3.2 storage.conf, all or none; those that are there already stay as they are.
/// Throws what parse_storage_conf() and add_pool() throw; exists for a pool that is there with other
/// parameters. With `dry_run` everything is checked and nothing is changed.
std::vector<ImportedPool> import_storage_conf(App& app, const Path& file, bool dry_run);

}  // namespace cowshed::app
