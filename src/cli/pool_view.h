// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/types.h"
#include "cli/terminal.h"

/// Pools as people read them.
namespace cowshed::cli {

/// How full it is: "###..  50 %"; empty where that is not known.
std::string usage_bar(const api::PoolInfo& pool, const Terminal& terminal);
/// `pool list`
std::string pool_table(const std::vector<api::PoolInfo>& pools, const Terminal& terminal);
/// `pool info`
std::string pool_text(const api::PoolInfo& pool, const Terminal& terminal);

}  // namespace cowshed::cli
