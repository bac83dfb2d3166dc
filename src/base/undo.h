// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace cowshed {

/// Undoes a step when a later one fails: runs `action` at the end of the scope unless released. What the
/// action throws is logged: a failure while undoing never replaces the first error.
class Undo {
 public:
  explicit Undo(std::function<void()> action) : action_(std::move(action)) {}
  Undo(Undo&& other) noexcept : action_(std::exchange(other.action_, nullptr)) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  Undo& operator=(Undo&&) = delete;
  ~Undo() {
    if (!action_) return;
    try {
      action_();
    } catch (const std::exception& failure) {
      log_warning(std::string("while undoing: ") + failure.what());
    }
  }
  void release() { action_ = nullptr; }

 private:
  std::function<void()> action_;
};

}  // namespace cowshed
