// SPDX-License-Identifier: Apache-2.0
#include "app/state_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include "app_fixture.h"

namespace cowshed::test {
namespace {

using app::Access;
using app::StateLock;

class StateLockTest : public AppTest {
 protected:
  StateLockTest() { std::filesystem::create_directories(locations_.state); }
  static StateLock::Wish wish(Access access) {
    return {access, "vm start work", std::chrono::milliseconds(20)};
  }
  std::string content() { return read(locations_.lock()); }
};

TEST_F(StateLockTest, WritersExcludeEachOtherAndNameTheHolder) {
  const StateLock held(locations_.lock(), wish(Access::write));
  for (const auto access : {Access::write, Access::read}) {
    const auto error = error_of([&] { StateLock(locations_.lock(), wish(access)); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::in_use);
    EXPECT_NE(error->message().find("pid " + std::to_string(::getpid()) + " (vm start work)"),
              std::string::npos)
        << error->message();
  }
}

TEST_F(StateLockTest, ReadersShare) {
  { const StateLock made(locations_.lock(), wish(Access::write)); }
  const StateLock one(locations_.lock(), wish(Access::read));
  const StateLock two(locations_.lock(), wish(Access::read));
  expect_error(ErrorKind::in_use, [&] { StateLock(locations_.lock(), wish(Access::write)); });
}

TEST_F(StateLockTest, StrangersCannotOpenItAndHoldUsUp) {
  { const StateLock made(locations_.lock(), wish(Access::write)); }
  using std::filesystem::perms;
  const auto allowed = std::filesystem::status(locations_.lock()).permissions();
  EXPECT_EQ(allowed & (perms::group_all | perms::others_all), perms::none);
}

TEST_F(StateLockTest, ReadingMakesNoFile) {
  { const StateLock lock(locations_.lock(), wish(Access::read)); }
  EXPECT_FALSE(std::filesystem::exists(locations_.lock()));
}

TEST_F(StateLockTest, CleanReleaseIsClean) {
  { const StateLock lock(locations_.lock(), wish(Access::write)); }
  EXPECT_TRUE(content().starts_with("clean ")) << content();
  const StateLock next(locations_.lock(), wish(Access::write));
  EXPECT_FALSE(next.unclean());
}

TEST_F(StateLockTest, AHolderWhoDiedIsNoticedAndHoldsNothing) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    static const StateLock lock(locations_.lock(), wish(Access::write));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const StateLock next(locations_.lock(), wish(Access::write));
  ASSERT_TRUE(next.unclean());
  EXPECT_EQ(*next.unclean(), "pid " + std::to_string(child) + " (vm start work)");
}

TEST_F(StateLockTest, ARebootIsNoticed) {
  write(locations_.lock(), "clean 00000000-0000-0000-0000-000000000000");
  const StateLock next(locations_.lock(), wish(Access::write));
  EXPECT_TRUE(next.unclean());
}

TEST_F(StateLockTest, UnfinishedWorkIsLeftToTheNextHolder) {
  {
    StateLock lock(locations_.lock(), wish(Access::write));
    lock.leave_unclean();
  }
  EXPECT_TRUE(StateLock(locations_.lock(), wish(Access::write)).unclean());
}

TEST_F(StateLockTest, WhoOnlyReadsIsToldWhatWasLeftAndLeavesItToTheNextWriter) {
  {
    StateLock lock(locations_.lock(), wish(Access::write));
    lock.leave_unclean();
  }
  const std::string before = content();
  EXPECT_TRUE(StateLock(locations_.lock(), wish(Access::read)).unclean());
  EXPECT_EQ(content(), before);
  EXPECT_TRUE(StateLock(locations_.lock(), wish(Access::write)).unclean());
  EXPECT_FALSE(StateLock(locations_.lock(), wish(Access::read)).unclean());
}

TEST_F(StateLockTest, WaitingEndsWhenItIsInterrupted) {
  const StateLock held(locations_.lock(), wish(Access::write));
  app::request_interruption();
  expect_error(ErrorKind::interrupted, [&] { StateLock(locations_.lock(), wish(Access::write)); });
}

}  // namespace
}  // namespace cowshed::test
