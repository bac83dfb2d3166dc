// SPDX-License-Identifier: Apache-2.0
#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

using VolumeInfoTest = CommandLineTest;

TEST_F(VolumeInfoTest, WhatCanBeSetIsShown) {
  must({"volume", "set", "work:root", "keep_changes", "true"});
  must({"volume", "set", "debian:root", "write_policy", "in-place"});
  must({"volume", "set", "debian:root", "revisions_to_keep", "0"});
  must({"volume", "set", "debian:root", "rw", "false"});
  const std::string snapshot = cowshed({"volume", "info", "work:root"}).out;
  EXPECT_NE(snapshot.find("keep_changes: yes\n"), std::string::npos) << snapshot;
  const std::string origin = cowshed({"volume", "info", "debian:root"}).out;
  for (const char* line : {"write_policy: in-place\n", "revisions_to_keep: 0\n", "rw: no\n"})
    EXPECT_NE(origin.find(line), std::string::npos) << origin;
}

}  // namespace
}  // namespace cowshed::test
