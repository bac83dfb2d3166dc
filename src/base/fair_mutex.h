// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <shared_mutex>

namespace cowshed {

/// As std::shared_mutex, with std::unique_lock and std::shared_lock; but who wants it alone waits for those
/// that have it and for nobody who comes later. (The C library prefers readers: while they overlap nobody
/// gets it alone.) Not recursive, shared neither: a thread that has it and asks again may wait for ever.
class FairMutex {
 public:
  void lock() {
    const std::lock_guard door(door_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    const std::lock_guard door(door_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  /// Held by whoever waits for `mutex_`: those who come later wait here.
  std::mutex door_;
  std::shared_mutex mutex_;
};

}  // namespace cowshed
