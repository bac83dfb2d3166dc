// SPDX-License-Identifier: Apache-2.0
#include "api/time_text.h"

#include <fmt/chrono.h>

#include <ctime>

namespace cowshed::api {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

std::optional<std::chrono::system_clock::time_point> parse_time_text(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace cowshed::api
