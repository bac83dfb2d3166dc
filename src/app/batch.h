// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "app/vm.h"
#include "base/error.h"
#include "pools/operation.h"

/// One operation on each of several volumes, all begun before the first is waited for.
namespace cowshed::app {

/// Any exception as an Error.
Error to_error(const std::exception_ptr& failure);

template <typename T>
class VolumeBatch {
 public:
  struct Pending {
    pools::Volume* volume;
    pools::Operation<T> operation;
  };

  /// A driver that throws instead of returning an Operation is no different from one whose operation fails.
  template <typename Begin>
  void begin(pools::Volume& volume, Begin begin) {
    try {
      pending_.push_back({&volume, begin(volume)});
    } catch (...) {
      pending_.push_back({&volume, failed(std::current_exception())});
    }
  }

  /// Waits for all. `done` is told of each that succeeded, with its result; the first failure is returned,
  /// with its volume named.
  template <typename Done>
  std::optional<Error> wait(Done done) {
    std::optional<Error> first;
    for (auto& [volume, operation] : pending_) {
      try {
        if constexpr (std::is_void_v<T>) {
          operation.get();
          done(*volume);
        } else {
          done(*volume, operation.get());
        }
      } catch (...) {
        Error error = to_error(std::current_exception());
        error.add_context(label(*volume));
        if (!first) first = std::move(error);
      }
    }
    pending_.clear();
    return first;
  }
  std::optional<Error> wait() requires std::is_void_v<T> {
    return wait([](pools::Volume&) {});
  }

 private:
  static pools::Operation<T> failed(const std::exception_ptr& failure) {
    return pools::Operation<T>::run_now([&]() -> T { std::rethrow_exception(failure); });
  }

  std::vector<Pending> pending_;
};

/// Waits for all; a failure is logged, never thrown. False where one failed.
bool abandon(const std::vector<pools::Volume*>& volumes);

}  // namespace cowshed::app
