// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "support/seed.h"

namespace cowshed::test::model {

template <typename List>
auto pick(std::mt19937_64& random, const List& list) {
  return list.at(test::between(random, 0, list.size() - 1));
}

/// More would take long to compare.
constexpr std::size_t most_vms = 9;

}  // namespace cowshed::test::model
