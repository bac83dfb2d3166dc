// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed {
namespace {

using test::error_of;
using test::expect_error;

TEST(Ids, OrdinaryNamesAreTaken) {
  for (const char* name : {"a", "0", "debian-12", "work_2.old", "A.B-c"}) EXPECT_EQ(VmName(name).str(), name);
}

TEST(Ids, NamesThatCouldLeadElsewhereAreRefused) {
  for (const std::string name :
       {"", ".", "..", "../x", "a/b", "a b", "a\nb", "a\tb", "-rf", "_a", "ä", "a:b", "a\\b"})
    expect_error(ErrorKind::invalid_argument, [&] { VmName{name}; });
  expect_error(ErrorKind::invalid_argument, [] { VmName{std::string("a\0b", 3)}; });
}

TEST(Ids, NamesHaveAnEnd) {
  EXPECT_EQ(VmName(std::string(64, 'a')).str().size(), 64u);
  expect_error(ErrorKind::invalid_argument, [] { VmName{std::string(65, 'a')}; });
  expect_error(ErrorKind::invalid_argument, [] { VmName{std::string(300, 'a')}; });
}

TEST(Ids, ARefusalIsOnePrintableLine) {
  const auto error = error_of([] { PoolName{"a\n\x1b[31m"}; });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find('\n'), std::string::npos);
  EXPECT_EQ(error->message().find('\x1b'), std::string::npos);
  EXPECT_EQ(error->message().find("pool name"), 0u);
}

TEST(Ids, VidsHaveOneToFourParts) {
  for (const char* vid : {"a", "vm-templates/t/root", "a/b/c/d"}) EXPECT_EQ(Vid(vid).str(), vid);
  for (const char* vid : {"", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/b/c/d/e", "a/.b"})
    expect_error(ErrorKind::invalid_argument, [&] { Vid{vid}; });
  expect_error(ErrorKind::invalid_argument, [] { Vid{std::string(201, 'a')}; });
}

}  // namespace
}  // namespace cowshed
