// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/describe.h"

namespace cowshed::api {

/// A pool; with Detail::full also its volumes and what they take. What cannot be asked leaves its reason in
/// `error`.
PoolInfo describe_pool(app::App& app, const PoolName& name, Detail detail);

}  // namespace cowshed::api
