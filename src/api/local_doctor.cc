// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/local.h"
#include "app/doctor.h"

namespace cowshed::api {

std::size_t Doctor::Answer::count(Health health) const {
  return static_cast<std::size_t>(std::ranges::count(checks, health, &Check::health));
}

Doctor::Answer Local::call(const Doctor&) {
  auto options = options_;
  if (keeps_) options.lock.access = app::Access::within;
  Doctor::Answer answer;
  for (auto& check : app::examine(options))
    answer.checks.push_back(
        {check.id, check.about, check.finding.health, check.finding.seen, check.finding.next});
  return answer;
}

}  // namespace cowshed::api
