// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/doctor_view.h"
#include "unit/cli/command_line.h"

namespace cowshed::cli {
namespace {

constexpr Terminal plain{.utf8 = false, .colour = false, .width = 80};
constexpr Terminal coloured{.utf8 = true, .colour = true, .width = 80};

api::Doctor::Answer three() {
  return {{{"kernel", "", Health::good, "Linux 6.1.0", ""},
           {"pool.mount", "varlib", Health::bad,
            "/var/lib is mounted without barriers: a power cut can lose commits that were answered",
            "mount -o remount,barrier /var/lib"},
           {"dm.version", "", Health::unknown, "open '/dev/mapper/control': Permission denied",
            "run cowshed doctor as root"}}};
}

TEST(DoctorViewTest, SaysWhatWasSeenAndWhatToDo) {
  EXPECT_EQ(doctor_text(three(), plain, false), R"(good     kernel: Linux 6.1.0
bad      pool.mount varlib: /var/lib is mounted without barriers: a power cut
         can lose commits that were answered
         -> mount -o remount,barrier /var/lib
unknown  dm.version: open '/dev/mapper/control': Permission denied
         -> run cowshed doctor as root
1 bad, 0 warning, 1 unknown, 1 good)");
}

TEST(DoctorViewTest, MayLeaveOutWhatIsGood) {
  const auto text = doctor_text(three(), plain, true);
  EXPECT_EQ(text.find("Linux 6.1.0"), std::string::npos);
  EXPECT_NE(text.find("pool.mount varlib"), std::string::npos);
}

TEST(DoctorViewTest, IsPaintedOnATerminal) {
  const auto text = doctor_text(three(), coloured, false);
  EXPECT_NE(text.find("\033[1;31mbad\033[0m      pool.mount"), std::string::npos) << text;
  EXPECT_NE(text.find("\033[32mgood\033[0m"), std::string::npos) << text;
}

TEST(DoctorViewTest, ControlCharactersOfFilesDoNotReachTheTerminal) {
  auto answer = three();
  answer.checks[0].seen = "Linux \033[2J6";
  EXPECT_EQ(doctor_text(answer, plain, false).find('\033'), std::string::npos);
}

using DoctorCommandTest = test::CommandLineTest;

/// As long as no word is longer than a line: paths of tests are.
TEST_F(DoctorCommandTest, FitsEightyColumnsAndChangesNothing) {
  const auto before = test::picture_of_files(directory(), test::Detail::contents);
  const auto outcome = cowshed({"doctor"});
  EXPECT_EQ(test::picture_of_files(directory(), test::Detail::contents), before);
  EXPECT_EQ(outcome.err, "");
  for (const auto& line : test::lines_of(outcome.out)) {
    const bool is_one_word = line.find(' ', line.find_first_not_of(' ')) == std::string::npos;
    EXPECT_TRUE(is_one_word || columns_of(line) <= 80 || line.find(directory().native()) != std::string::npos)
        << line;
  }
}

TEST_F(DoctorCommandTest, FailsExactlyWhenSomethingIsBad) {
  for (const auto mode : {0777U, 0700U}) {
    std::filesystem::permissions(state(), std::filesystem::perms(mode));
    const auto outcome = cowshed({"doctor", "--json"});
    const auto json = nlohmann::json::parse(outcome.out);
    unsigned bad = 0;
    bool is_state_bad = false;
    for (const auto& check : json.at("checks")) {
      bad += check.at("result") == "bad";
      is_state_bad = is_state_bad || (check.at("id") == "state.directory" && check.at("result") == "bad");
    }
    EXPECT_EQ(json.at("bad"), bad);
    EXPECT_EQ(outcome.status, bad > 0 ? 1 : 0) << outcome.text();
    EXPECT_EQ(is_state_bad, mode == 0777U) << outcome.out;
  }
}

}  // namespace
}  // namespace cowshed::cli
