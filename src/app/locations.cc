// SPDX-License-Identifier: Apache-2.0
#include "app/locations.h"

#include <cstdlib>

#include "base/error.h"

namespace cowshed::app {

namespace {

constexpr const char* default_state = "/var/lib/cowshed";
constexpr const char* default_run = "/run/cowshed";

std::optional<std::string> option_or_environment(const std::optional<std::string>& option,
                                                 const char* variable) {
  if (option) return option;
  // Read before any thread is started.
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

/// Absolute, without "." and "..", without a slash at the end.
Path normal(const std::string& text, std::string_view what) {
  if (text.empty() || text.find('\0') != std::string::npos)
    throw Error(ErrorKind::invalid_argument, std::string(what) + " must not be empty");
  Path path = std::filesystem::absolute(text).lexically_normal();
  return path.has_filename() || path == path.root_path() ? path : path.parent_path();
}

}  // namespace

Locations Locations::find(const std::optional<std::string>& state, const std::optional<std::string>& run) {
  Locations found;
  found.state = normal(option_or_environment(state, "COWSHED_STATE").value_or(default_state),
                       "the state directory's name");
  if (const auto given = option_or_environment(run, "COWSHED_RUN"))
    found.run = normal(*given, "the run directory's name");
  else
    found.run = found.state == default_state ? Path(default_run) : found.state / "run";
  return found;
}

}  // namespace cowshed::app
