// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "support/picture.h"
#include "support/process.h"

namespace cowshed::test {

using Command = std::vector<std::string>;

inline std::string to_text(const Command& command) {
  std::string text = "cowshed";
  for (const auto& word : command) text += " " + word;
  return text;
}

/// The built `cowshed` with a template 'debian' and its app VM 'work'; needs neither root nor device-mapper.
class CommandLineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string directory = Path(testing::TempDir()) / "cowshed-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) throw Error::from_errno(errno, "create " + directory);
    directory_ = directory;
    must({"vm", "create", "debian", "--size", "root=1M", "--size", "private=1M"});
    must({"vm", "create", "work", "--template", "debian", "--size", "private=1M"});
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] const Path& directory() const { return directory_; }
  [[nodiscard]] Path state() const { return directory_ / "state"; }

  Outcome cowshed(const Command& command) {
    std::vector<std::string> words{std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cowshed"};
    words.insert(words.end(), command.begin(), command.end());
    return run_program(words,
                       {{"COWSHED_STATE", state().native()}, {"COWSHED_RUN", (directory_ / "run").native()}});
  }
  void must(const Command& command) {
    const Outcome outcome = cowshed(command);
    ASSERT_TRUE(outcome.ok()) << to_text(command) << ": " << outcome.text();
  }

  /// The command fails with one of `statuses` and one line that holds all of `parts`, answers nothing, and
  /// every byte of the installation stays as it is.
  void expect_refused(const Command& command, const std::set<int>& statuses,
                      const std::vector<std::string>& parts) {
    SCOPED_TRACE(to_text(command));
    const Picture before = picture_of_files(directory_, Detail::contents);
    const Outcome outcome = cowshed(command);
    EXPECT_EQ(picture_of_files(directory_, Detail::contents), before);
    EXPECT_TRUE(statuses.contains(outcome.status)) << outcome.text();
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.text();
    EXPECT_TRUE(outcome.err.starts_with("cowshed: ")) << outcome.text();
    for (const auto& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
  }
  void expect_failure(const Command& command, const std::vector<std::string>& parts) {
    expect_refused(command, {1}, parts);
  }
  /// Whoever notices first: the parser of the command line, or the command.
  void expect_bad_word(const Command& command, const std::vector<std::string>& parts = {}) {
    expect_refused(command, {1, 2}, parts);
  }

 private:
  Path directory_;
};

}  // namespace cowshed::test
