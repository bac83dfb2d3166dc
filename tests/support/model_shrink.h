// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "support/model_step.h"

namespace cowshed::test::model {

/// What is wrong after these steps in a new installation; nothing where all is as the model says.
using Trial = std::function<std::optional<std::string>(const Steps&)>;

struct Shrunk {
  /// None of them can be left out, none made simpler; or time was over.
  Steps steps;
  /// What is wrong after them.
  std::string difference;
  unsigned trials = 0;
  bool is_minimal = true;
};

/// Leaves out what can be left out of `failing`, all of a VM first, single steps last, and makes simpler what
/// can be made simpler (a kill less, a shorter write), as long as something is wrong afterwards.
Shrunk shrink(const Steps& failing, const std::string& difference, const Trial& trial,
              std::chrono::seconds most);

}  // namespace cowshed::test::model
