// SPDX-License-Identifier: Apache-2.0
#include "app/lvm_filter.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::app {
namespace {

using Strings = std::vector<std::string>;

TEST(LvmFilterTest, TheFirstPatternThatMatchesDecides) {
  const Strings filter{"a|^/dev/mapper/|", "r|^/dev/(dm-|loop)|"};
  EXPECT_FALSE(lvm_accepts(filter, "/dev/dm-7"));
  EXPECT_FALSE(lvm_accepts(filter, "/dev/loop7"));
  EXPECT_TRUE(lvm_accepts(filter, "/dev/mapper/luks"));
  EXPECT_TRUE(lvm_accepts(filter, "/dev/sda")) << "what none matches passes";
  EXPECT_FALSE(lvm_accepts({"a|/dev/sd.*|", "r|.*|"}, "/dev/loop7"));
  EXPECT_TRUE(lvm_accepts({"a|loop|", "r|.*|"}, "/dev/loop7"));
  EXPECT_TRUE(lvm_accepts({}, "/dev/loop7"));
}

TEST(LvmFilterTest, APatternMayHaveAnyDelimiter) {
  EXPECT_FALSE(lvm_accepts({"r/loop/"}, "/dev/loop7"));
  EXPECT_FALSE(lvm_accepts({"r(loop)"}, "/dev/loop7"));
  for (const char* bad : {"", "x|loop|", "r", "r|", "r|loop", "r|(|"})
    test::expect_error(ErrorKind::invalid_argument, [&] { lvm_accepts({bad}, "/dev/loop7"); });
}

TEST(LvmFilterTest, ListsAndNumbersAreReadAsLvmDoes) {
  const char* const config = R"(# global_filter = [ "r|never|" ]
devices {
	dir = "/dev"   # where
	global_filter = [ "a|#/dev/sda|",
	                  "r|loop|" ]  # "r|comment|"
	use_devicesfile = 1
	# use_devicesfile = 0
})";
  EXPECT_EQ(lvm_strings(config, "global_filter"), (Strings{"a|#/dev/sda|", "r|loop|"}));
  EXPECT_EQ(lvm_strings(config, "filter"), std::nullopt);
  EXPECT_EQ(lvm_strings(config, "dir"), Strings{"/dev"});
  EXPECT_EQ(lvm_number(config, "use_devicesfile"), 1);
  EXPECT_EQ(lvm_number(config, "dir"), std::nullopt);
  EXPECT_EQ(lvm_strings("devices/filter=\"r|x|\"", "filter"), Strings{"r|x|"});
}

}  // namespace
}  // namespace cowshed::app
