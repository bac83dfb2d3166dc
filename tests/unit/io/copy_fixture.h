// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "files_fixture.h"
#include "io/copy.h"
#include "support/errors.h"
#include "support/watched_backend.h"
#include "ways.h"

namespace cowshed::test {

class CopyTest : public FilesTest, public ::testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    if (!is_there(GetParam())) GTEST_SKIP() << "this machine has no " << GetParam().name;
    options_.backend = watched(GetParam().open, watch_);
    // Where the file system of the tests can, there would be nothing to see.
    options_.sharing = io::Sharing::never;
  }

  /// Copies from the file source() to the file target().
  io::CopyReport copy(const io::ExtentStream& extents) {
    const Fd from = open_as(source(), O_RDONLY, source_is_direct_);
    const Fd to = open_as(target(), O_RDWR, target_is_direct_);
    return io::copy_extents(extents, io::End(from, source()), io::End(to, target()), options_);
  }
  io::CopyReport copy(std::vector<io::Extent> extents) { return copy(io::stream_of(std::move(extents))); }
  std::optional<Error> copy_error(std::vector<io::Extent> extents) {
    return error_of([&] { copy(std::move(extents)); });
  }

  Watch watch_;
  io::CopyOptions options_;
  bool source_is_direct_ = false;
  bool target_is_direct_ = false;
};

/// What the copy should leave in the target: done the plainest way.
inline std::string modelled(const std::string& source, std::string target,
                            const std::vector<io::Extent>& extents) {
  for (const io::Extent& extent : extents)
    target.replace(extent.target.count, extent.length.count,
                   source.substr(extent.source.count, extent.length.count));
  return target;
}

}  // namespace cowshed::test
