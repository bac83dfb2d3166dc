// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <future>
#include <utility>

namespace cowshed::pools {

/// What a volume operation returns: already done (a synchronous driver) or pending (an asynchronous one; how
/// it goes on is the driver's choice). The caller starts the operations of all volumes first and then waits
/// for each, so they progress together. Destroying a pending operation waits for nothing and cancels nothing.
template <typename T>
class [[nodiscard]] Operation {
 public:
  static Operation pending(std::future<T> future) { return Operation(std::move(future)); }

  /// Runs `body` now; what it returns or throws is the operation's result.
  template <typename Body>
  static Operation run_now(Body&& body) {
    std::promise<T> promise;
    try {
      if constexpr (std::is_void_v<T>) {
        std::forward<Body>(body)();
        promise.set_value();
      } else {
        promise.set_value(std::forward<Body>(body)());
      }
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
    return Operation(promise.get_future());
  }

  /// Waits; once. Throws what the operation failed with.
  T get() { return future_.get(); }
  [[nodiscard]] bool is_ready() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  explicit Operation(std::future<T> future) : future_(std::move(future)) {}
  std::future<T> future_;
};

}  // namespace cowshed::pools
