// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "base/file.h"

namespace cowshed::pools::reflink {

/// The files of a volume, named as Qubes' `file-reflink` pools name them (docs/reflink.md). Revisions:
/// revisions.h.
struct ReflinkFiles {
  /// `stem`: directory and name of the volume, without an ending.
  explicit ReflinkFiles(const Path& stem);

  /// The committed state. Never written, only replaced; but a larger size may be given to it.
  Path clean;
  /// What the guest of the running session writes, or of one that was cut off.
  Path dirty;
  /// A new image that is about to replace the clean one.
  Path import;
  /// A copy of the clean image that Qubes makes ahead of a start; never made here.
  Path precache;

  /// Whatever may be there, half-made files too, in the order in which they are to be removed.
  [[nodiscard]] std::vector<Path> all() const;
};

/// Would a volume of that name have files that are another volume's: is it "root-dirty", say?
bool is_taken_name(std::string_view vid);

}  // namespace cowshed::pools::reflink
