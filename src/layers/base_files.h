// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cowshed::layers {

/// The files of an origin volume. They are all that is known of it while nothing runs: which of them are
/// there says where a commit that was cut off stands (docs/commit.md).
class BaseFiles {
 public:
  /// `stem`: directory and name of the volume, without an ending.
  explicit BaseFiles(const Path& stem) : stem_(stem.native()) {}

  [[nodiscard]] Path image() const { return named(".img"); }
  /// The base cow: what the running or interrupted in-place session has overwritten.
  [[nodiscard]] Path cow() const { return named("-cow.img"); }
  /// What the last commit replaced: the revision.
  [[nodiscard]] Path revision() const { return named("-cow.img.old"); }
  /// Empty marker: the guest writes the image itself (snapshots off) and has not stopped cleanly.
  [[nodiscard]] Path dirty() const { return named("-dirty"); }
  /// What the running or interrupted overlay session has written.
  [[nodiscard]] Path overlay() const { return named("-overlay.img"); }
  /// A store that is to be merged into the image: the commit is decided.
  [[nodiscard]] Path commit() const { return named("-commit.img"); }
  /// A second link to commit() while that is a promotion, no session of the volume's own.
  [[nodiscard]] Path promotion() const { return named("-promote.img"); }
  /// An image that is to take the image's place: the commit is decided. A second link from the moment on in
  /// which it has.
  [[nodiscard]] Path import() const { return named("-import.img"); }
  /// What the commit replaces, whole. Empty where nobody wants it. There before the image is touched.
  [[nodiscard]] Path replaced() const { return named("-commit-cow.img"); }
  /// Image and replaced chunks are as they should be, the rest is tidying up.
  [[nodiscard]] Path merged() const { return named("-merged.img"); }

  /// Whatever may be there, half-made files too, in the order in which they are to be removed: while the
  /// image is there, what is left still makes sense.
  [[nodiscard]] std::vector<Path> all() const;

 private:
  [[nodiscard]] Path named(std::string_view ending) const;

  std::string stem_;
};

/// A volume of that name would be among the files of another: "private-cow" is what "private" overwrote.
bool is_taken_name(std::string_view vid);

}  // namespace cowshed::layers
