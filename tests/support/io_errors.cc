// SPDX-License-Identifier: Apache-2.0
#include "support/io_errors.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace cowshed::test {

namespace {

constexpr Bytes disk_size = mebibytes(64);
/// Between two of these nothing happens in which a broken disk could be noticed that is not there still at
/// the second.
constexpr const char* stages = "change,sync,DM_TABLE_LOAD,ftruncate";
constexpr std::array part_names{"target", "free", "flush", "source"};
constexpr unsigned long short_run_stride = 6;
/// In a short run calls behind this are looked at only as long as they matter to the volume.
constexpr unsigned long always_tried = 12;

/// What is read comes from the disk.
constexpr const char* forget_cached = "echo 1 >/proc/sys/vm/drop_caches && ";

}  // namespace

void IoErrorsTest::SetUp() {
  FailedChangeTest::SetUp();
  if (IsSkipped()) return;
  disk_ = std::make_unique<FaultyDisk>(scratch() / "disk", disk_size);
  // An ext4 whose journal could not be flushed takes no writes any more, and what comes after that in a
  // commit would never be seen to fail.
  keep_all_on(FaultyDisk::node(), "^has_journal");
}

void IoErrorsTest::TearDown() {
  if (disk_) {
    disk_->heal();
    let_go_of_disk();
    disk_.reset();
  }
  FailedChangeTest::TearDown();
}

std::string IoErrorsTest::command_to_break(Part part, const std::optional<Path>& source) {
  switch (part) {
    case Part::target: {
      // A chunk that begins with zeros becomes a hole first, and its data gets other blocks.
      auto stretches = free_stretches(FaultyDisk::node());
      std::ranges::copy(stretches_of(root(".img")), std::back_inserter(stretches));
      return disk_->command_to_fail(stretches);
    }
    case Part::source:
      return disk_->command_to_fail(stretches_of(source.value()));
    case Part::free:
      return disk_->command_to_fail(free_stretches(FaultyDisk::node()));
    default:
      return disk_->command_to_fail_flushes();
  }
}

void IoErrorsTest::break_disk_in(const Scenario& scenario, const std::optional<Path>& source) {
  const unsigned long stride = is_long_run() ? 1 : short_run_stride;
  for (const Part part : {Part::target, Part::free, Part::flush, Part::source}) {
    if (part == Part::source && !source) continue;
    // Before the first call nothing has been read of the source.
    unsigned long at = 1 + static_cast<unsigned long>(part) % static_cast<unsigned long>(Part::source);
    while (!HasFatalFailure() && break_at(scenario, source, part, at)) at += stride;
    const auto* const name = part_names.at(static_cast<std::size_t>(part));
    // Without a revision a commit may need no free block.
    EXPECT_TRUE(part == Part::free || tally_.count(name, "as before") + tally_.count(name, "pending") > 0)
        << name << " was broken and nothing failed";
  }
  report(scenario);
}

bool IoErrorsTest::break_at(const Scenario& scenario, const std::optional<Path>& source, Part part,
                            unsigned long at) {
  scenario.prepare();
  begin_point();
  // What is dirty cannot be forgotten.
  ::sync();
  const auto [outcome, report] =
      cowshed_with({stages, at, "run", forget_cached + command_to_break(part, source)}, scenario.command);
  const std::string name = part_names.at(static_cast<std::size_t>(part));
  const std::string what =
      fmt::format("cowshed {}: {} broken before {} {}: {}", fmt::join(scenario.command, " "), name,
                  report.hit.value_or("nothing"), at, outcome.text());
  if (report.hit) {
    end_point(scenario, outcome, EIO, name, what);
  } else {
    EXPECT_TRUE(outcome.ok()) << what << ": " << outcome.text();
    scenario.check(what);
  }
  return report.hit.has_value() && (is_long_run() || at <= always_tried || is_of_image(outcome));
}

}  // namespace cowshed::test
