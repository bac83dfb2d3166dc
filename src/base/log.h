// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cowshed {

enum class LogLevel { quiet, warning, info, debug };

/// Process-wide threshold; `warning` until set.
void set_log_level(LogLevel level);

/// One line on stderr ("cowshed: warning: ..."), whole even when threads log together.
void log_warning(std::string_view message);
void log_info(std::string_view message);
void log_debug(std::string_view message);

}  // namespace cowshed
