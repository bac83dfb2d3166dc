// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <stdexcept>

#include "support/errors.h"

namespace cowshed {
namespace {

TEST(Error, MessageIsBuiltFromTheInsideOut) {
  const auto error = test::error_of([] {
    in_context([] { return "start vm 'work'"; },
               [] {
                 in_context([] { return "volume 'root'"; },
                            [] { throw Error(ErrorKind::in_use, "busy", EBUSY); });
               });
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "start vm 'work': volume 'root': busy");
  EXPECT_STREQ(error->what(), error->message().c_str());
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
  EXPECT_EQ(error->error_number(), EBUSY);
}

TEST(Error, KindFollowsFromErrno) {
  EXPECT_EQ(Error::from_errno(ENOENT, "x").kind(), ErrorKind::not_found);
  EXPECT_EQ(Error::from_errno(ENOSPC, "x").kind(), ErrorKind::no_space);
  EXPECT_EQ(Error::from_errno(EPERM, "x").kind(), ErrorKind::permission);
  EXPECT_EQ(Error::from_errno(EBUSY, "x").kind(), ErrorKind::in_use);
  EXPECT_EQ(Error::from_errno(EINVAL, "x").kind(), ErrorKind::kernel_refused);
  EXPECT_EQ(Error::from_errno(ENOENT, "open 'x'").message(), "open 'x': No such file or directory");
}

TEST(Error, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::interrupted); ++kind)
    names.insert(to_string(static_cast<ErrorKind>(kind)));
  EXPECT_EQ(names.size(), 14u);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Error, WithoutAnErrorTheContextIsNeverMade) {
  EXPECT_EQ(in_context([]() -> std::string { throw std::logic_error("made"); }, [] { return 7; }), 7);
}

}  // namespace
}  // namespace cowshed
