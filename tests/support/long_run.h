// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>

namespace cowshed::test {

/// $COWSHED_LONG is set: every combination instead of every point once.
inline bool is_long_run() {
  const char* value = std::getenv("COWSHED_LONG");
  return value != nullptr && *value != '\0';
}

}  // namespace cowshed::test
