// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "support/failed_change.h"
#include "support/faulty_disk.h"

namespace cowshed::test {

/// A part of the pool's disk fails, from some call of a command on.
class IoErrorsTest : public FailedChangeTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Each part in turn fails from the n-th call on, and n rises until the command is through before; in a
  /// short run in larger steps, and mostly until it does its work all the same. `source` holds what is
  /// merged.
  void break_disk_in(const Scenario& scenario, const std::optional<Path>& source);

 private:
  enum class Part {
    /// The image, and where it may get blocks.
    target,
    /// Whatever is written anew: what is replaced, a new image.
    free,
    /// No write is lost, but none can be waited for.
    flush,
    source,
  };

  void remove_cause() override { disk_->heal(); }
  std::string command_to_break(Part part, const std::optional<Path>& source);
  /// False where the next call need not be tried.
  bool break_at(const Scenario& scenario, const std::optional<Path>& source, Part part, unsigned long at);

  std::unique_ptr<FaultyDisk> disk_;
};

}  // namespace cowshed::test
