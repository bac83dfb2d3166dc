// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/inventory.h"

namespace cowshed::layers {

/// While it lives nothing is written through the device, and what was is in the file or device below it.
class Suspended {
 public:
  Suspended(dm::Control& control, const OurDevice& device);
  /// A device that cannot be resumed is left to recovery, which the log says.
  ~Suspended();
  Suspended(const Suspended&) = delete;
  Suspended& operator=(const Suspended&) = delete;

 private:
  dm::Control& control_;
  const OurDevice& device_;
};

}  // namespace cowshed::layers
