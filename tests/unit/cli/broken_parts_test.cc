// SPDX-License-Identifier: Apache-2.0
// One pool or VM that is broken or away: the views show the others, say on stderr what is wrong, and fail.
#include <nlohmann/json.hpp>

#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

class BrokenPartsTest : public CommandLineTest {
 protected:
  /// The rest on stdout, the reason on stderr, each line of it an error, status 1; as JSON, too.
  void expect_rest(const Command& command, const std::string& rest, const std::string& reason) {
    SCOPED_TRACE(to_text(command));
    const Outcome outcome = cowshed(command);
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    EXPECT_NE(outcome.out.find(rest), std::string::npos) << outcome.text();
    EXPECT_NE(outcome.err.find(reason), std::string::npos) << outcome.text();
    for (const auto& line : lines_of(outcome.err)) EXPECT_TRUE(line.starts_with("cowshed: ")) << line;
    Command as_json = command;
    as_json.insert(as_json.begin(), "--json");
    const Outcome document = cowshed(as_json);
    EXPECT_EQ(document.status, 1) << document.text();
    EXPECT_NE(nlohmann::json::parse(document.out).dump().find(rest), std::string::npos) << document.text();
    for (const auto& line : lines_of(document.err))
      EXPECT_TRUE(nlohmann::json::parse(line).contains("error")) << line;
  }
  [[nodiscard]] Path other() const { return directory() / "other"; }
  void add_other() {
    must({"pool", "add", "other", "--driver", "file", "-o", "dir_path=" + other().native()});
    must({"vm", "create", "lost", "-P", "other", "--size", "root=1M", "--size", "private=1M"});
  }
};

TEST_F(BrokenPartsTest, ADefinitionThatCannotBeRead) {
  const Path file = state() / "vms/work.json";
  replace_file(file, "{");
  for (const Command& command : {Command{"tree"}, {"status"}, {"volume", "list"}})
    expect_rest(command, command[0] == "status" ? "varlib" : "debian", file.native());
}

TEST_F(BrokenPartsTest, APoolWhoseDirectoryIsAway) {
  add_other();
  std::filesystem::rename(other(), directory() / "away");
  for (const Command& command : {Command{"tree"}, {"volume", "list"}})
    expect_rest(command, "debian", other().native());
  for (const Command& command : {Command{"status"}, {"pool", "list"}})
    expect_rest(command, "varlib", other().native());
}

TEST_F(BrokenPartsTest, APoolWithADriverThatIsNotThere) {
  add_other();
  std::string config = read_file(state() / "cowshed.json", mebibytes(1));
  const std::string driver = "\"driver\": \"file\"";
  // Pools are sorted by name: the first is the other one.
  config.replace(config.find(driver), driver.size(), "\"driver\": \"nope\"");
  replace_file(state() / "cowshed.json", config);
  for (const Command& command : {Command{"tree"}, {"volume", "list"}}) expect_rest(command, "debian", "nope");
  for (const Command& command : {Command{"status"}, {"pool", "list"}}) expect_rest(command, "varlib", "nope");
}

TEST_F(BrokenPartsTest, NothingIsWrongBeforeTheFirstStart) {
  std::filesystem::remove_all(state());
  for (const Command& command : {Command{"tree"}, {"status"}, {"volume", "list"}, {"pool", "list"}})
    must(command);
}

TEST_F(BrokenPartsTest, WhatIsSoundIsSound) {
  add_other();
  for (const Command& command : {Command{"tree"}, {"status"}, {"volume", "list"}, {"pool", "list"}}) {
    const Outcome outcome = cowshed(command);
    EXPECT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out.find('\033'), std::string::npos);
  }
}

}  // namespace
}  // namespace cowshed::test
