// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/file.h"

namespace cowshed::layers {

/// The files of an origin volume. They are all that is known of it while nothing runs: which of them are
/// there says where a commit that was cut off stands (docs/commit.md).
struct BaseFiles {
  /// `stem`: directory and name of the volume, without an ending.
  explicit BaseFiles(const Path& stem);

  Path image;
  /// The base cow: what the running or interrupted in-place session has overwritten.
  Path cow;
  /// What the last commit replaced: the revision.
  Path revision;
  /// Empty marker: the guest writes the image itself (snapshots off) and has not stopped cleanly.
  Path dirty;
  /// What the running or interrupted overlay session has written.
  Path overlay;
  /// A store that is to be merged into the image: the commit is decided.
  Path commit;
  /// A second link to `commit` while that is a promotion, no session of the volume's own.
  Path promotion;
  /// An image that is to take the image's place: the commit is decided. A second link from the moment on in
  /// which it has.
  Path import;
  /// What the commit replaces, whole. Empty where nobody wants it. There before the image is touched.
  Path replaced;
  /// Image and replaced chunks are as they should be, the rest is tidying up.
  Path merged;

  /// Whatever may be there, half-made files too, in the order in which they are to be removed: while the
  /// image is there, what is left still makes sense.
  [[nodiscard]] std::vector<Path> all() const;
};

/// A volume of that name would be among the files of another: "private-cow" is what "private" overwrote.
bool is_taken_name(std::string_view vid);

}  // namespace cowshed::layers
