// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "io/copy.h"
#include "io/end.h"
#include "io/extent.h"
#include "io/request.h"

namespace cowshed::io {

/// Which extents need not be copied, because the file systems can share or copy them; learns from refusals.
class Sharer {
 public:
  Sharer(const End& source, const End& target, const CopyOptions& options);

  /// How much of the beginning of `extent` can be shared; 0 where it is to be copied.
  [[nodiscard]] Bytes sharable(const Extent& extent) const;
  /// How: clone or copy_range.
  [[nodiscard]] Op op() const { return *op_; }
  /// A request with op() was carried out.
  void shared() { has_shared_ = true; }
  [[nodiscard]] bool has_shared() const { return has_shared_; }
  /// The kernel refused `op`. True where the extent may be copied instead; what cannot be shared at all is
  /// not tried again.
  bool may_copy_after(Op op, int error_number);

 private:
  const bool is_remote_;
  const Bytes unit_;
  const Bytes shortest_;
  std::optional<Op> op_;
  bool has_shared_ = false;
};

/// The whole of `source`, holes and all, becomes the beginning of `target`, which is to be empty (of any
/// size). False where that cannot be and nothing was changed. Throws Error for other failures.
bool share_file(const End& source, const End& target);

/// Whether files in that directory can share extents: tried with two of which nothing stays. Throws Error
/// where it cannot be tried.
bool can_share_in(const Path& directory);

}  // namespace cowshed::io
