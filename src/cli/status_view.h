// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/types.h"
#include "cli/terminal.h"

namespace cowshed::cli {

/// `status`, without what could not be asked.
std::string status_text(const api::Status::Answer& status, const Terminal& terminal);

}  // namespace cowshed::cli
