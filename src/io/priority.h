// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace cowshed::io {

/// Who comes first where the disk's scheduler looks at it (bfq, mq-deadline; ioprio_set(2)).
enum class Priority {
  /// The calling thread's, whatever it is.
  inherited,
  /// After everything of normal priority, never starved.
  background,
  /// Only when nobody else wants the disk.
  idle,
};

/// Gives the calling thread a priority until the end of the scope. Requests in the ring take it from the
/// thread that submits them, threads from the one that starts them. What the kernel refuses is logged and
/// else ignored.
class PriorityScope {
 public:
  explicit PriorityScope(Priority priority);
  PriorityScope(const PriorityScope&) = delete;
  PriorityScope& operator=(const PriorityScope&) = delete;
  ~PriorityScope();

 private:
  std::optional<int> before_;
};

}  // namespace cowshed::io
