// SPDX-License-Identifier: Apache-2.0
#include "layers/suspended.h"

#include <fmt/core.h>

#include "base/log.h"

namespace cowshed::layers {

Suspended::Suspended(dm::Control& control, const OurDevice& device) : control_(control), device_(device) {
  control_.suspend(device_.uuid);
}

Suspended::~Suspended() {
  try {
    control_.resume(device_.uuid);
  } catch (const std::exception& failure) {
    log_warning(
        fmt::format("{} is left suspended; run 'cowshed recover': {}", device_.name.str(), failure.what()));
  }
}

}  // namespace cowshed::layers
