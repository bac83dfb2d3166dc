// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/console.h"

namespace cowshed::cli {
namespace {

TEST(ConsoleTest, what_commands_a_terminal_is_blanked) {
  EXPECT_EQ(one_line("a\nb\x1b[2Jc\x7f"), "a b [2Jc ");
  EXPECT_EQ(one_line("a\xc2\x9b"
                     "31mred\xc2\x85"),
            "a 31mred ");
}

TEST(ConsoleTest, what_people_write_stays) {
  EXPECT_EQ(one_line("M\xc3\xbcller \xc2\xa7 5"), "M\xc3\xbcller \xc2\xa7 5");
  EXPECT_EQ(one_line("cut\xc2"), "cut\xc2");
}

}  // namespace
}  // namespace cowshed::cli
