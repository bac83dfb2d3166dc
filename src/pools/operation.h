// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <optional>
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
  static Operation pending(std::future<T> future) {
    Operation operation;
    operation.pending_ = std::move(future);
    return operation;
  }

  /// Runs `body` now; what it returns or throws is the operation's result.
  template <typename Body>
  static Operation run_now(Body&& body) {
    Operation operation;
    try {
      if constexpr (std::is_void_v<T>)
        std::forward<Body>(body)();
      else
        operation.value_.emplace(std::forward<Body>(body)());
    } catch (...) {
      operation.failure_ = std::current_exception();
    }
    return operation;
  }

  /// Waits; once. Throws what the operation failed with.
  T get() {
    if (pending_.valid()) return pending_.get();
    if (failure_) std::rethrow_exception(failure_);
    if constexpr (!std::is_void_v<T>) return *std::move(value_);
  }
  [[nodiscard]] bool is_ready() const {
    return !pending_.valid() || pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  Operation() = default;

  /// Valid as long as nobody has got it.
  std::future<T> pending_;
  std::exception_ptr failure_;
  std::optional<Value> value_;
};

}  // namespace cowshed::pools
