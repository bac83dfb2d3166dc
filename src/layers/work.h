// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/units.h"

namespace cowshed::layers {

/// Told now and then how far long work is, by the thread that does it. While `can_stop`, what it throws ends
/// the work, undone; afterwards it must not throw.
struct WorkDone {
  Bytes done, total;
  bool can_stop = true;
};
using WorkWatch = std::function<void(const WorkDone&)>;

}  // namespace cowshed::layers
