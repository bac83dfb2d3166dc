// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/types.h"
#include "cli/terminal.h"

namespace cowshed::cli {

/// `doctor`: each check with what was seen and, where something is to be done, that below it; then how many
/// there are of each kind. `only_trouble`: without what is good.
std::string doctor_text(const api::Doctor::Answer& answer, const Terminal& terminal, bool only_trouble);

}  // namespace cowshed::cli
