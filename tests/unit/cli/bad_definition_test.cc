// SPDX-License-Identifier: Apache-2.0
// Definition files that somebody damaged: the error names the file and where in it, and nothing is changed.
#include <sys/stat.h>

#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

class BadDefinitionTest : public CommandLineTest {
 protected:
  void SetUp() override {
    CommandLineTest::SetUp();
    config_ = read_file(config_file(), mebibytes(1));
    vm_ = read_file(vm_file("work"), mebibytes(1));
  }
  [[nodiscard]] Path config_file() const { return state() / "cowshed.json"; }
  [[nodiscard]] Path vm_file(const std::string& name) const { return state() / "vms" / (name + ".json"); }
  [[nodiscard]] const std::string& config() const { return config_; }
  [[nodiscard]] const std::string& vm() const { return vm_; }

  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from << " is not in " << text;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }

  /// Every command that needs the file names it and the place.
  void expect_config_refused(const std::string& text, const std::string& pointer) {
    replace_file(config_file(), text);
    for (const Command& command : {Command{"vm", "start", "work"}, {"pool", "list"}, {"vm", "create", "new"}})
      expect_failure(command, {"'" + config_file().native() + "'", pointer});
    replace_file(config_file(), config());
  }
  void expect_vm_refused(const std::string& text, const std::string& pointer) {
    replace_file(vm_file("work"), text);
    for (const Command& command :
         {Command{"vm", "start", "work"}, {"vm", "info", "work"}, {"vm", "remove", "work"}})
      expect_failure(command, {"'" + vm_file("work").native() + "'", pointer});
    replace_file(vm_file("work"), vm());
  }

 private:
  std::string config_, vm_;
};

TEST_F(BadDefinitionTest, TruncatedAnywhere) {
  for (std::size_t length = 0; length + 2 < vm().size(); length += 7)
    expect_vm_refused(vm().substr(0, length), " at /");
  for (std::size_t length = 0; length + 2 < config().size(); length += 7)
    expect_config_refused(config().substr(0, length), " at /");
}

TEST_F(BadDefinitionTest, WithSomethingBehindIt) {
  expect_vm_refused(vm() + "{}", " at /");
  expect_config_refused(config() + "x", " at /");
}

TEST_F(BadDefinitionTest, WithDoubledKeys) {
  expect_vm_refused(replaced(vm(), "\"kind\":", "\"kind\": \"app\", \"kind\":"), " at /kind");
  expect_config_refused(replaced(config(), "\"driver\":", "\"driver\": \"file\", \"driver\":"), "/driver");
}

TEST_F(BadDefinitionTest, WithUnknownKeys) {
  expect_vm_refused(replaced(vm(), "\"kind\":", "\"colour\": 1, \"kind\":"), " at /colour");
  expect_vm_refused(replaced(vm(), "\"pool\":", "\"colour\": 1, \"pool\":"), "/colour");
  expect_config_refused(replaced(config(), "\"pools\":", "\"colour\": 1, \"pools\":"), " at /colour");
}

TEST_F(BadDefinitionTest, WithAWrongType) {
  expect_vm_refused(replaced(vm(), "\"kind\": \"app\"", "\"kind\": 7"), " at /kind");
  expect_vm_refused(replaced(vm(), "\"format\": 1", "\"format\": \"1\""), " at /format");
  expect_vm_refused(replaced(vm(), "\"format\": 1", "\"format\": 1.5"), " at /format");
  expect_vm_refused(replaced(vm(), "\"template\": \"debian\"", "\"template\": null"), " at /template");
  expect_vm_refused("[]", " at /");
  expect_vm_refused("\"text\"", " at /");
  expect_config_refused("[]", " at /");
  expect_config_refused("{}", " at /");
}

TEST_F(BadDefinitionTest, WithAValueThatIsNone) {
  expect_vm_refused(replaced(vm(), "\"kind\": \"app\"", "\"kind\": \"horse\""), " at /kind");
  expect_vm_refused(replaced(vm(), "\"format\": 1", "\"format\": 2"), " at /format");
  expect_vm_refused(replaced(vm(), "\"template\": \"debian\"", "\"template\": \"../debian\""),
                    " at /template");
  // A pool that cannot be had does not keep the others from being listed.
  replace_file(config_file(), replaced(config(), "\"driver\": \"file\"", "\"driver\": \"nope\""));
  for (const Command& command : {Command{"vm", "start", "work"}, {"pool", "info", "varlib"}})
    expect_failure(command, {"'" + config_file().native() + "'", "/driver"});
}

TEST_F(BadDefinitionTest, WithATemplateThatDoesNotExist) {
  replace_file(vm_file("work"), replaced(vm(), "\"template\": \"debian\"", "\"template\": \"gone\""));
  expect_failure({"vm", "start", "work"}, {"'work'", "'gone'"});
}

TEST_F(BadDefinitionTest, WithATemplateCycleNamesTheVms) {
  replace_file(vm_file("one"), replaced(vm(), "\"template\": \"debian\"", "\"template\": \"two\""));
  replace_file(vm_file("two"), replaced(vm(), "\"template\": \"debian\"", "\"template\": \"one\""));
  expect_failure({"vm", "start", "one"}, {"template cycle: one -> two -> one"});
  expect_failure({"vm", "create", "new", "--disposable-of", "one"}, {"template cycle"});
}

TEST_F(BadDefinitionTest, AFileThatIsNoFileOrNoText) {
  expect_vm_refused(std::string("\0\xff\xfe", 3), " at /");
  expect_vm_refused(std::string(5 << 20, ' '), "larger");
  unlink_if_exists(vm_file("work"));
  ASSERT_EQ(::mkdir(vm_file("work").c_str(), 0755), 0);
  expect_failure({"vm", "start", "work"}, {vm_file("work").native()});
}

TEST_F(BadDefinitionTest, DoesNotKeepOtherVmsFromBeingShown) {
  replace_file(vm_file("work"), "{");
  const Outcome outcome = cowshed({"vm", "list"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("debian"), std::string::npos);
  EXPECT_NE(outcome.err.find(vm_file("work").native()), std::string::npos);
}

}  // namespace
}  // namespace cowshed::test
