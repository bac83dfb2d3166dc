// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cowshed::app {

/// Asks the work in this process to stop at the next point where it can undo what it began. Safe in a signal
/// handler.
void request_interruption() noexcept;
/// For tests and for a service that goes on.
void clear_interruption() noexcept;
[[nodiscard]] bool is_interrupted() noexcept;
/// Throws Error interrupted once it was requested. Called between steps, where an exception undoes what was
/// begun; never in the middle of a commit.
void throw_if_interrupted();

}  // namespace cowshed::app
