// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loop/loop.h"
#include "support/failed_change.h"

namespace cowshed::test {

/// The pool's file system has only so many blocks left when a command is given.
class FullDiskTest : public FailedChangeTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// From none upward until the command has enough, twice as many each time, and then in between: so that
  /// each of its steps is met that takes space.
  void fill_disk_in(const Scenario& scenario);

  void leave_free(std::uint64_t blocks) const;
  void remove_cause() override;

 private:
  /// True where the command did its work.
  bool try_with(std::uint64_t blocks, const Scenario& scenario);
  [[nodiscard]] std::uint64_t free_blocks() const;
  [[nodiscard]] Path ballast() const { return state() / "ballast"; }

  std::unique_ptr<loop::Loop> disk_;
};

}  // namespace cowshed::test
