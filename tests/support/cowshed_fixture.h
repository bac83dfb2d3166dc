// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/fault.h"
#include "support/picture.h"
#include "support/process.h"
#include "support/vm_fixture.h"

namespace cowshed::test {

using Command = std::vector<std::string>;

/// For tests of the built `cowshed` as people use it: each command a process of its own, on an installation
/// in scratch().
class CowshedTest : public VmTest {
 protected:
  void SetUp() override;
  /// Stops what runs.
  void TearDown() override;

  /// One whose first word begins with "./" is another program of tests/programs, on the same installation.
  Outcome cowshed(const Command& command, const Environment& more = {});
  /// Fails the test where the command fails.
  std::string must(const Command& command);
  /// A line for the shell, in which `cowshed` is the one under test.
  Outcome shell(const std::string& line);
  /// What `command --json` printed.
  nlohmann::json json(Command command);

  /// A command with a fault in it.
  struct Faulted {
    Outcome outcome;
    FaultReport report;
  };
  Faulted cowshed_with(const Fault& fault, const Command& command);

  /// Small volumes: the layers are the same.
  void create_template(const std::string& name);
  void create_app(const std::string& name, const std::string& template_name);
  void create_standalone(const std::string& name);

  /// The node that the volume's link leads to; throws where there is none.
  Path node(const std::string& vm, const std::string& volume);
  /// As an administrator would take them away.
  void lose_devices(const std::string& vm);
  void put(const std::string& vm, const std::string& volume, Bytes at, char value);
  char get(const std::string& vm, const std::string& volume, Bytes at);

  [[nodiscard]] Path state() const { return scratch() / "state"; }
  [[nodiscard]] Path run_directory() const { return scratch() / "run"; }

  /// What is there of an installation: in the kernel, its files, its links.
  struct Everything {
    Picture kernel, files, links;
    bool operator==(const Everything&) const = default;
  };
  Everything everything(Detail detail = Detail::names);
  /// Waits for what goes in its own time (deferred removals, autoclear), then compares.
  void expect_as(const Everything& before, const std::string& what, Detail detail = Detail::names);

 private:
  Environment environment();
};

/// One line on stderr, and which.
void expect_one_error_line(const Outcome& outcome, const std::string& what);

}  // namespace cowshed::test
