// SPDX-License-Identifier: Apache-2.0
#include "api/description.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/file.h"

namespace cowshed::api {
namespace {

/// With COWSHED_WRITE=1 the document is written instead.
TEST(DescriptionTest, TheDocumentedInterfaceIsTheOneThatIsServed) {
  const Path file = Path(COWSHED_SOURCE_DIR) / "docs/protocol/io.cowshed.varlink";
  if (std::getenv("COWSHED_WRITE") != nullptr)
    std::ofstream(file, std::ios::trunc) << interface_description();
  EXPECT_EQ(read_file(file, mebibytes(1)), interface_description());
}

}  // namespace
}  // namespace cowshed::api
