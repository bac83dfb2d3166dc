// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace cowshed::api {

/// UTC, in whole seconds: "2026-01-31T12:00:00Z".
std::string time_text(std::chrono::system_clock::time_point time);
/// Nothing for what is not of that form.
std::optional<std::chrono::system_clock::time_point> parse_time_text(const std::string& text);

}  // namespace cowshed::api
