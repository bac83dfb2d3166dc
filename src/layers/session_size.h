// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "layers/inventory.h"

namespace cowshed::layers {

struct SessionSize {
  /// What its cow holds, metadata included.
  Bytes written;
  /// What it takes of the file system, as far as that tells whether it grows.
  Bytes taken;
  /// The kernel has given it up.
  bool is_invalid = false;
};

/// `holder`: the device whose store holds what was changed: of a session in place the view below it, else the
/// session's own. `image`: the file that the guest writes itself; where that is not known, what it has
/// written in all counts, wherever to. Nothing where the device is gone. Waits for nobody, suspended or not.
std::optional<SessionSize> size_of_session(dm::Control& control, const OurDevice& device,
                                           const OurDevice& holder, const Path& image);

}  // namespace cowshed::layers
