// SPDX-License-Identifier: Apache-2.0
#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

using RecoverTest = CommandLineTest;

TEST_F(RecoverTest, WhatCannotBePutRightFailsUntilItCanBe) {
  const Path commit = state() / "vm-templates/debian/root-commit.img";
  replace_file(commit, std::string(4096, 'x'));
  Outcome outcome = cowshed({"recover"});
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.out.find("not recovered: volume 'vm-templates/debian/root'"), std::string::npos)
      << outcome.text();
  outcome = cowshed({"recover", "--json"});
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.out.find("\"complete\":false"), std::string::npos) << outcome.text();
  // The next command tries again, and says so.
  outcome = cowshed({"vm", "create", "new", "--size", "root=1M"});
  EXPECT_NE(outcome.err.find("not recovered"), std::string::npos) << outcome.text();
  unlink_if_exists(commit);
  must({"recover"});
  EXPECT_EQ(cowshed({"vm", "create", "newer", "--size", "root=1M"}).err, "");
}

TEST_F(RecoverTest, SaysWhatItDidAlsoWhereItWasDue) {
  const Path half = half_made(state() / "vms/work.json");
  replace_file(half, "{");
  replace_file(state() / "lock", "4242 vm set work");
  const Outcome outcome = cowshed({"recover"});
  EXPECT_EQ(outcome.status, 0) << outcome.text();
  EXPECT_EQ(outcome.out, "half-written '" + half.native() + "' removed\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(cowshed({"-v", "config", "unset", "default_pool"}).err, "");
}

}  // namespace
}  // namespace cowshed::test
