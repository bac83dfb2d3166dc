// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace cowshed::test {

/// The seed of a random test, printed so that the run can be repeated: COWSHED_SEED=N.
inline std::uint64_t seed() {
  const char* given = std::getenv("COWSHED_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("COWSHED_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

/// Uniform in [low, high].
template <typename Generator>
std::uint64_t between(Generator& random, std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
}

}  // namespace cowshed::test
