// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/backend.h"

namespace cowshed::test {

/// A way to the kernel that every test of the engine is run over.
struct Way {
  std::string_view name;
  io::BackendFactory open;
};

inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

inline std::string name_of_way(const ::testing::TestParamInfo<Way>& info) {
  return std::string(info.param.name);
}

inline const std::vector<Way>& both_ways() {
  static const std::vector<Way> ways = {{"uring", io::open_uring}, {"plain", io::open_plain}};
  return ways;
}

/// Where the machine has no io_uring, says so.
inline bool is_there(const Way& way) {
  try {
    way.open({.source_fd = 0, .target_fd = 0, .is_direct = false, .memory = {}, .depth = 1});
    return true;
  } catch (const Error& error) {
    std::printf("NO TEST OVER %s: %s\n", std::string(way.name).c_str(), error.what());
    return false;
  }
}

#define COWSHED_OVER_BOTH(Suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(Over, Suite, ::testing::ValuesIn(::cowshed::test::both_ways()), \
                           ::cowshed::test::name_of_way)

}  // namespace cowshed::test
