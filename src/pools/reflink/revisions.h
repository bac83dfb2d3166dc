// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

/// Older committed states, each an image of its own: IMAGE.ID, with an id such as "12@2026-11-25T18:12:31Z".
namespace cowshed::pools::reflink {

struct RevisionId {
  /// Rises from revision to revision.
  std::uint64_t number = 0;
  /// When the state was last written, UTC.
  std::chrono::sys_seconds written;
  auto operator<=>(const RevisionId&) const = default;

  /// Nothing for what str() would not have written.
  static std::optional<RevisionId> parse(std::string_view text);
  [[nodiscard]] std::string str() const;
};

struct RevisionFile {
  RevisionId id;
  Path file;
};

/// Oldest first. What has no such name, and what is no file, is passed over.
std::vector<RevisionFile> list_revisions(const Path& image);

/// The file of the revision that comes after those there are and holds what `image` holds now.
Path next_revision(const Path& image);

}  // namespace cowshed::pools::reflink
