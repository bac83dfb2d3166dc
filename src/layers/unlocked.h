// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "base/fair_mutex.h"

namespace cowshed::layers {

/// While it lives, others may have the lock.
class Unlocked {
 public:
  explicit Unlocked(std::unique_lock<FairMutex>& lock) : lock_(lock) { lock_.unlock(); }
  ~Unlocked() { lock_.lock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  std::unique_lock<FairMutex>& lock_;
};

}  // namespace cowshed::layers
