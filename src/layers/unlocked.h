// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <shared_mutex>

namespace cowshed::layers {

/// While it lives, others may have the lock.
class Unlocked {
 public:
  explicit Unlocked(std::unique_lock<std::shared_mutex>& lock) : lock_(lock) { lock_.unlock(); }
  ~Unlocked() { lock_.lock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  std::unique_lock<std::shared_mutex>& lock_;
};

}  // namespace cowshed::layers
