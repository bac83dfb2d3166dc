// SPDX-License-Identifier: Apache-2.0
#include "service/refusals.h"

#include <fmt/core.h>

#include "base/log.h"

namespace cowshed::service {

void Refusals::add(uid_t uid, const std::string& line) {
  const std::lock_guard lock(mutex_);
  const auto now = now_();
  auto& minute = minutes_[uid];
  if (minute.count == 0 || now - minute.begun >= std::chrono::minutes(1)) {
    if (minute.count > lines_a_minute)
      log_warning(
          fmt::format("uid {}: {} more calls were not permitted", uid, minute.count - lines_a_minute));
    minute = {.begun = now};
  }
  ++minute.count;
  if (minute.count <= lines_a_minute) log_warning(line);
  if (minute.count == lines_a_minute + 1)
    log_warning(fmt::format("uid {}: what else it is refused within this minute is counted only", uid));
}

}  // namespace cowshed::service
