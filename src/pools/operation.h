// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <type_traits>
#include <utility>
#include <variant>

namespace cowshed::pools {

/// What a volume operation returns: already done (a synchronous driver) or pending (an asynchronous one; how
/// it goes on is the driver's choice). The caller starts the operations of all volumes first and then waits
/// for each, so they progress together. Destroying a pending operation waits for nothing and cancels nothing.
template <typename T>
class [[nodiscard]] Operation {
 public:
  static Operation pending(std::future<T> future) { return Operation(Outcome(std::move(future))); }

  /// Runs `body` now; what it returns or throws is the operation's result.
  template <typename Body>
  static Operation run_now(Body&& body) {
    try {
      if constexpr (std::is_void_v<T>) {
        std::forward<Body>(body)();
        return Operation(Outcome(Value{}));
      } else {
        return Operation(Outcome(std::forward<Body>(body)()));
      }
    } catch (...) {
      return Operation(Outcome(std::current_exception()));
    }
  }

  /// Waits; once. Throws what the operation failed with.
  T get() {
    if (auto* future = std::get_if<std::future<T>>(&outcome_)) return future->get();
    if (auto* failure = std::get_if<std::exception_ptr>(&outcome_)) std::rethrow_exception(*failure);
    if constexpr (!std::is_void_v<T>) return std::move(std::get<Value>(outcome_));
  }
  [[nodiscard]] bool is_ready() const {
    const auto* future = std::get_if<std::future<T>>(&outcome_);
    return future == nullptr || future->wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  using Outcome = std::variant<Value, std::exception_ptr, std::future<T>>;

  explicit Operation(Outcome outcome) : outcome_(std::move(outcome)) {}
  Outcome outcome_;
};

}  // namespace cowshed::pools
