// SPDX-License-Identifier: Apache-2.0
#include "base/guard_report.h"

namespace cowshed {

std::string_view to_string(HoldReason reason) {
  switch (reason) {
    case HoldReason::cow_limit:
      return "cow_limit";
    case HoldReason::low_space:
      return "low_space";
    case HoldReason::copies:
      return "copies";
    case HoldReason::inherited:
      return "inherited";
  }
  return "unknown";
}

std::string_view to_string(GuardEvent::Kind kind) {
  using Kind = GuardEvent::Kind;
  switch (kind) {
    case Kind::held:
      return "held";
    case Kind::released:
      return "released";
    case Kind::cow_nearly_full:
      return "cow_nearly_full";
    case Kind::invalid:
      return "invalid";
    case Kind::pool_low:
      return "pool_low";
    case Kind::pool_recovered:
      return "pool_recovered";
    case Kind::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace cowshed
