// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>

#include "support/cowshed_fixture.h"

namespace cowshed::test {

/// A directory tree of volumes that programs other than cowshed make.
class TreeTest : public CowshedTest {
 protected:
  [[nodiscard]] Path tree() const { return scratch() / "tree"; }

  std::string must_shell(const std::string& line) {
    const Outcome outcome =
        shell("set -e; mkdir -p " + tree().native() + "; cd " + tree().native() + "; " + line);
    EXPECT_TRUE(outcome.ok()) << line << ": " << outcome.text();
    return outcome.out;
  }
  /// An image full of data, odd bytes among it.
  void make(const std::string& stem, const std::string& size) {
    must_shell("head -c " + size + " /dev/urandom > " + stem + ".img; cp " + stem + ".img ../" +
               copy(stem, 'a'));
  }
  /// What was copied of that volume's state: beside the tree.
  static std::string copy(const std::string& stem, char state) {
    std::string name = stem + "-" + state;
    std::ranges::replace(name, '/', '_');
    return name;
  }
  /// Byte for byte, past all caches.
  void expect_state(const std::string& vm, const std::string& volume, const std::string& stem, char state) {
    must_shell("dd if=" + node(vm, volume).native() + " bs=64k iflag=direct status=none | cmp - ../" +
               copy(stem, state));
  }
  void expect_started(const std::string& vm, const std::string& volume, const std::string& stem, char state) {
    must({"vm", "start", vm});
    expect_state(vm, volume, stem, state);
    must({"vm", "stop", vm});
  }
};

}  // namespace cowshed::test
