// SPDX-License-Identifier: Apache-2.0
#include "app/interruption.h"

#include <atomic>
#include <utility>

#include "base/error.h"

namespace cowshed::app {

namespace {
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in signal handlers");

thread_local std::function<bool()> asked_here;
}  // namespace

void request_interruption() noexcept { requested.store(true, std::memory_order_relaxed); }
void clear_interruption() noexcept { requested.store(false, std::memory_order_relaxed); }
bool is_interrupted() noexcept { return requested.load(std::memory_order_relaxed); }

InterruptibleBy::InterruptibleBy(std::function<bool()> asked) { asked_here = std::move(asked); }
InterruptibleBy::~InterruptibleBy() { asked_here = nullptr; }

std::function<bool()> interruption_of_this_thread() {
  return [asked = asked_here] { return is_interrupted() || (asked && asked()); };
}

void throw_interrupted() { throw Error(ErrorKind::interrupted, "interrupted; what was begun is undone"); }

void throw_if_interrupted() {
  if (is_interrupted() || (asked_here && asked_here())) throw_interrupted();
}

}  // namespace cowshed::app
