// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/types.h"
#include "cli/table.h"

/// Volumes and pools as people read them.
namespace cowshed::cli {

std::string size_text(const std::optional<Bytes>& size);
/// "2026-01-31 12:00:00", UTC.
std::string time_text(std::chrono::system_clock::time_point time);

/// What is not as it usually is, the worst first: "invalid", "commit pending", "dirty", "outdated".
std::vector<Cell> marks_of(const api::VolumeInfo& volume);

/// `volume list`
std::string volume_table(const std::vector<api::VolumeInfo>& volumes, const Terminal& terminal);

}  // namespace cowshed::cli
