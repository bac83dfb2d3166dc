// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>

namespace cowshed::test {

/// $COWSHED_LONG is set: every combination instead of every point once.
inline bool is_long_run() { return std::getenv("COWSHED_LONG") != nullptr; }

}  // namespace cowshed::test
