// SPDX-License-Identifier: Apache-2.0
#include "api/description.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

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

/// varlink.org/Interface-Definition: types, methods and errors share one space of names.
TEST(DescriptionTest, NoNameIsGivenTwice) {
  std::istringstream description(interface_description());
  std::set<std::string> names;
  for (std::string line, kind, name; std::getline(description, line);) {
    std::istringstream words(line);
    if (words >> kind >> name && (kind == "type" || kind == "method" || kind == "error")) {
      EXPECT_TRUE(names.insert(name.substr(0, name.find('('))).second) << line;
    }
  }
  EXPECT_GT(names.size(), 50u);
}

}  // namespace
}  // namespace cowshed::api
