// SPDX-License-Identifier: Apache-2.0
#include "support/failed_change.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/mount.h>

#include <cstring>

namespace cowshed::test {

namespace {

/// "root-commit-cow.img.new": the first file that an error names.
std::string file_in(const std::string& error) {
  const auto slash = error.find("'/");
  if (slash == std::string::npos) return "no file";
  const std::string path = error.substr(slash + 1, error.find('\'', slash + 1) - slash - 1);
  return Path(path).filename().native();
}

}  // namespace

void FailedChangeTest::keep_all_on(const Path& disk, const std::string& features) {
  const Outcome made = run_program({"mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-O", features, "-E",
                                    "lazy_itable_init=0,nodiscard", disk.native()});
  ASSERT_TRUE(made.ok()) << made.text();
  make_directories(state());
  ASSERT_EQ(::mount(disk.c_str(), state().c_str(), "ext4", 0, "errors=continue"), 0) << std::strerror(errno);
}

void FailedChangeTest::let_go_of_disk() {
  for (const auto& vm : json({"vm", "list"}))
    if (vm.at("state") != "stopped") must({"vm", "stop", vm.at("name")});
  EXPECT_TRUE(eventually([&] { return ::umount(state().c_str()) == 0; })) << std::strerror(errno);
}

bool FailedChangeTest::is_pending() const {
  return path_exists(root("-commit.img")) || path_exists(root("-import.img")) ||
         path_exists(root("-merged.img"));
}

std::string FailedChangeTest::image_content() { return read_file(root(".img"), mebibytes(16)); }

void FailedChangeTest::end_point(const Scenario& scenario, const Outcome& outcome, int error,
                                 const std::string& part, const std::string& what) {
  SCOPED_TRACE(what);
  tally_.add(part, outcome.ok() ? "done" : is_pending() ? "pending" : "as before");
  if (outcome.ok()) {
    remove_cause();
  } else {
    tally_.add("failed in", file_in(outcome.err));
    expect_right_after_failure(outcome, error, what);
  }
  stop_again(scenario);
  scenario.check(what);
}

void FailedChangeTest::expect_right_after_failure(const Outcome& failed, int error, const std::string& what) {
  EXPECT_EQ(failed.status, 1) << what;
  EXPECT_NE(failed.err.find(std::strerror(error)), std::string::npos) << what << ": " << failed.text();
  const bool was_pending = is_pending();
  // A start recovers by itself only where a recovery failed before.
  if (completion_ != Completion::stop) expect_no_recovery(what);
  remove_cause();
  EXPECT_TRUE(was_pending || !is_of_image(failed) || image_content().starts_with(image_before_))
      << what << ": the image was touched";
  if (is_pending()) complete(what);
  completion_ = completion_ == Completion::stop      ? Completion::recover
                : completion_ == Completion::recover ? Completion::start
                                                     : Completion::stop;
}

bool FailedChangeTest::is_of_image(const Outcome& failed) const {
  return failed.err.find(root("").native()) != std::string::npos ||
         failed.err.find("debian:root-") != std::string::npos;
}

void FailedChangeTest::expect_no_recovery(const std::string& what) {
  const Outcome outcome = cowshed({"recover"});
  EXPECT_FALSE(outcome.ok() && is_pending()) << what << ": " << outcome.text();
}

void FailedChangeTest::complete(const std::string& what) {
  const Command stop{"vm", "stop", "debian"};
  switch (completion_) {
    case Completion::stop:
      expect_refused(what);
      must(stop);
      break;
    case Completion::recover:
      must({"recover"});
      break;
    case Completion::start:
      must({"vm", "start", "debian"});
      must(stop);
      break;
  }
  EXPECT_FALSE(is_pending()) << what;
}

void FailedChangeTest::expect_refused(const std::string& what) {
  const Outcome outcome = cowshed({"--json", "vm", "start", "debian"});
  EXPECT_EQ(outcome.status, 1) << what;
  EXPECT_NE(outcome.err.find("commit_pending"), std::string::npos) << what << ": " << outcome.text();
}

void FailedChangeTest::stop_again(const Scenario& scenario) {
  const Command stop{"vm", "stop", "debian"};
  if (scenario.command == stop && state_of("debian") != "stopped") must(stop);
}

void FailedChangeTest::report(const Scenario& scenario) {
  fmt::print("cowshed {}:\n", fmt::join(scenario.command, " "));
  tally_.print();
  std::fflush(stdout);
  for (const std::string& missing : tally_.missing()) ADD_FAILURE() << "never " << missing;
}

}  // namespace cowshed::test
