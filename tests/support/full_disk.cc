// SPDX-License-Identifier: Apache-2.0
#include "support/full_disk.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace cowshed::test {

namespace {

constexpr Bytes disk_size = mebibytes(40);
constexpr Bytes block = kibibytes(4);

bool allocate(const Fd& file, Bytes at, Bytes length) {
  return ::fallocate(file.get(), 0, static_cast<off_t>(at.count), static_cast<off_t>(length.count)) == 0;
}

}  // namespace

void FullDiskTest::SetUp() {
  FailedChangeTest::SetUp();
  if (IsSkipped()) return;
  disk_ = std::make_unique<loop::Loop>(disk(disk_size));
  keep_all_on(disk_->path(), "has_journal");
}

void FullDiskTest::TearDown() {
  if (disk_) {
    remove_cause();
    let_go_of_disk();
    disk_.reset();
  }
  FailedChangeTest::TearDown();
}

void FullDiskTest::remove_cause() { unlink_if_exists(ballast()); }

std::uint64_t FullDiskTest::free_blocks() const {
  struct statvfs status {};
  if (::statvfs(state().c_str(), &status) < 0) throw Error::from_errno(errno, "statvfs");
  return status.f_bavail;
}

void FullDiskTest::leave_free(std::uint64_t blocks) const {
  // What was written is to have its blocks, and what was removed is to have given them back.
  ::sync();
  const Fd file = create_sparse(ballast(), Bytes{0});
  Bytes at;
  for (std::uint64_t now = free_blocks(); now > blocks; now = free_blocks()) {
    // The map of the ballast takes a block, too.
    const std::uint64_t surplus = now - blocks;
    const Bytes length = block * (surplus > 8 ? surplus - 4 : 1);
    ASSERT_TRUE(allocate(file, at, length)) << std::strerror(errno);
    at = at + length;
  }
}

bool FullDiskTest::try_with(std::uint64_t blocks, const Scenario& scenario) {
  scenario.prepare();
  begin_point();
  leave_free(blocks);
  const Outcome outcome = cowshed(scenario.command);
  const std::string what =
      fmt::format("cowshed {} with {} blocks: {}", fmt::join(scenario.command, " "), blocks, outcome.text());
  end_point(scenario, outcome, ENOSPC, "points", what);
  return outcome.ok();
}

void FullDiskTest::fill_disk_in(const Scenario& scenario) {
  std::uint64_t too_few = 0, enough = 1;
  EXPECT_FALSE(try_with(0, scenario)) << "takes no space";
  const unsigned factor = is_long_run() ? 2 : 4;
  for (; !try_with(enough, scenario) && !HasFatalFailure(); enough *= factor) too_few = enough;
  const auto finest = [&] { return is_long_run() ? 1 : std::max<std::uint64_t>(enough / 8, 4); };
  while (enough - too_few > finest() && !HasFatalFailure()) {
    const std::uint64_t middle = (too_few + enough) / 2;
    (try_with(middle, scenario) ? enough : too_few) = middle;
  }
  fmt::print("{} blocks are enough, {} are not\n", enough, too_few);
  report(scenario);
}

}  // namespace cowshed::test
