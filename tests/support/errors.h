// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"

namespace cowshed::test {

/// The Error that `body` throws; nothing where it throws none.
template <typename Body>
std::optional<Error> error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <typename Body>
void expect_error(ErrorKind kind, Body&& body) {
  const auto error = error_of(std::forward<Body>(body));
  ASSERT_TRUE(error.has_value()) << "no error, expected " << to_string(kind);
  EXPECT_EQ(error->kind(), kind) << error->message();
}

}  // namespace cowshed::test
