// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed {
namespace {

using test::expect_error;

TEST(Units, SizesAreReadWithAndWithoutUnits) {
  EXPECT_EQ(parse_size("512").count, 512u);
  EXPECT_EQ(parse_size("512B").count, 512u);
  EXPECT_EQ(parse_size("3K"), kibibytes(3));
  EXPECT_EQ(parse_size("512MiB"), mebibytes(512));
  EXPECT_EQ(parse_size("10G"), gibibytes(10));
  EXPECT_EQ(parse_size("1T"), gibibytes(1024));
  EXPECT_EQ(parse_size("1P"), gibibytes(1 << 20));
}

TEST(Units, WhatIsNoSizeIsRefused) {
  for (const char* text :
       {"", "G", "-1", "+1", "1.5G", "10 G", " 10", "10g", "10GB", "10Gi", "0x10", "1e3", "10GG"})
    expect_error(ErrorKind::invalid_argument, [&] { parse_size(text); });
}

TEST(Units, SizesThatDoNotFitAreRefused) {
  EXPECT_EQ(parse_size("9223372036854775807").count, 9223372036854775807u);
  for (const char* text : {"9223372036854775808", "99999999999999999999999", "8192P", "9007199254740992K"})
    expect_error(ErrorKind::invalid_argument, [&] { parse_size(text); });
}

TEST(Units, OnlyWholeSectorsBecomeSectors) {
  EXPECT_EQ(to_sectors(Bytes{1024}).count, 2u);
  expect_error(ErrorKind::invalid_argument, [] { static_cast<void>(to_sectors(Bytes{1000})); });
}

TEST(Units, SizesAreWrittenForPeople) {
  EXPECT_EQ(format_size(Bytes{0}), "0 B");
  EXPECT_EQ(format_size(Bytes{1023}), "1023 B");
  EXPECT_EQ(format_size(kibibytes(1)), "1.0 KiB");
  EXPECT_EQ(format_size(mebibytes(1536)), "1.5 GiB");
}

}  // namespace
}  // namespace cowshed
