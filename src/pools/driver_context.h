// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/host.h"

namespace cowshed::pools {

/// What drivers share in one process.
struct DriverContext {
  layers::Host& host;
};

}  // namespace cowshed::pools
