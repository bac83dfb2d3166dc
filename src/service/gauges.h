// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/types.h"
#include "app/app.h"

/// Metrics that are asked for when they are wanted, in Prometheus' text format.
namespace cowshed::service {

/// The kernel calls and copies that starts, stops and commits are made of.
std::string stages_text();
std::string pools_text(const std::vector<api::PoolInfo>& pools);
std::string warm_text(const std::vector<app::WarmVolume>& volumes);
std::string service_text(std::size_t connections, std::size_t refused, std::size_t subscribers);

}  // namespace cowshed::service
