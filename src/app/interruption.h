// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace cowshed::app {

/// Asks the work in this process to stop at the next point where it can undo what it began. Safe in a signal
/// handler.
void request_interruption() noexcept;
/// For tests and for a service that goes on.
void clear_interruption() noexcept;
[[nodiscard]] bool is_interrupted() noexcept;
/// As long as it lives, this thread's work can be interrupted by itself, too: `asked` is called from any
/// thread that carries out a part of it.
class InterruptibleBy {
 public:
  explicit InterruptibleBy(std::function<bool()> asked);
  ~InterruptibleBy();
  InterruptibleBy(const InterruptibleBy&) = delete;
  InterruptibleBy& operator=(const InterruptibleBy&) = delete;
};
/// Whether this thread's work is to end, for other threads to ask that do a part of it.
[[nodiscard]] std::function<bool()> interruption_of_this_thread();
[[noreturn]] void throw_interrupted();
/// Throws Error interrupted once it was requested. Called between steps, where an exception undoes what was
/// begun; never in the middle of a commit.
void throw_if_interrupted();

}  // namespace cowshed::app
