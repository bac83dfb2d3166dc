// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

#include "base/error.h"

namespace cowshed {
namespace {

TEST(ProgramTest, ArgumentsReachTheProgramAsTheyAreAndItsOutputComesBack) {
  const auto end = run_program({"/bin/echo", "$HOME; `id` *", "a  b"}, {}, nullptr);
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.out, "$HOME; `id` * a  b\n");
  EXPECT_EQ(end.err, "");
}

TEST(ProgramTest, StatusErrorsAndSignalsAreTold) {
  const auto failed = run_program({"/bin/sh", "-c", "echo why >&2; exit 3"}, {}, nullptr);
  EXPECT_EQ(failed.status, 3);
  EXPECT_EQ(failed.err, "why\n");
  EXPECT_EQ(run_program({"/bin/sh", "-c", "kill -TERM $$"}, {}, nullptr).status, 128 + SIGTERM);
  EXPECT_EQ(run_program({"/nowhere/at/all"}, {}, nullptr).status, 127);
}

TEST(ProgramTest, ItHasNoInputAndNoDescriptorThatItWasNotGiven) {
  const Fd kept = open_file("/dev/null", O_RDONLY), given = open_file("/dev/zero", O_RDONLY);
  const std::string script = "cat; readlink /proc/self/fd/" + std::to_string(given.get()) +
                             "; readlink /proc/self/fd/" + std::to_string(kept.get()) + " || echo none";
  EXPECT_EQ(run_program({"/bin/sh", "-c", script}, {given.get()}, nullptr).out, "/dev/zero\nnone\n");
}

TEST(ProgramTest, MuchOutputNeitherBlocksItNorIsKeptWithoutEnd) {
  const auto end = run_program({"/usr/bin/head", "-c", "5000000", "/dev/zero"}, {}, nullptr);
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.out.size(), std::size_t{1} << 20);
}

TEST(ProgramTest, WhoWatchesSeesTheOutputGrowAndKillsItByThrowing) {
  const auto begin = std::chrono::steady_clock::now();
  pid_t pid = 0;
  EXPECT_THROW(run_program({"/bin/sh", "-c", "echo $$; exec sleep 1000"}, {},
                           [&](std::string_view out) {
                             if (!out.ends_with('\n')) return;
                             pid = std::stoi(std::string(out));
                             throw Error(ErrorKind::interrupted, "enough");
                           }),
               Error);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(100));
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::kill(pid, 0), -1) << "it still lives";
}

TEST(ProgramTest, AProgramIsFoundAlongThePath) {
  EXPECT_TRUE(find_program("sh").has_value());
  EXPECT_EQ(find_program("no-such-program-at-all"), std::nullopt);
}

}  // namespace
}  // namespace cowshed
