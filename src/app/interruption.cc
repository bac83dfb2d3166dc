// SPDX-License-Identifier: Apache-2.0
#include "app/interruption.h"

#include <atomic>

#include "base/error.h"

namespace cowshed::app {

namespace {
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in signal handlers");
}  // namespace

void request_interruption() noexcept { requested.store(true, std::memory_order_relaxed); }
void clear_interruption() noexcept { requested.store(false, std::memory_order_relaxed); }
bool is_interrupted() noexcept { return requested.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (is_interrupted()) throw Error(ErrorKind::interrupted, "interrupted; what was begun is undone");
}

}  // namespace cowshed::app
