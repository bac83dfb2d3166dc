// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "pools/image_format.h"

namespace cowshed::api {

/// Throws invalid_argument for an unknown format.
inline pools::GivenImage to_given_image(const std::string& file, const std::optional<std::string>& format) {
  if (!format) return {file};
  return {file, pools::parse_image_format(*format)};
}

}  // namespace cowshed::api
