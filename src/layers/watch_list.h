// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/file.h"

namespace cowshed::layers {

/// What a guard cannot ask the kernel about a volume.
struct Watched {
  std::string vid;
  std::optional<Bytes> cow_limit = std::nullopt;
  /// The file that the guest writes itself, where there is one whose blocks tell how much that takes.
  Path image = {};
  /// Where a session in place saves what it overwrites; empty where there are no such sessions.
  Path cow = {};
};

/// Volumes by OurDevice::volume. Thread-safe.
class WatchList {
 public:
  void watch(const std::string& volume, Watched watched) {
    const std::lock_guard guard(mutex_);
    watched.cow_limit ? static_cast<void>(limited_.insert(volume))
                      : static_cast<void>(limited_.erase(volume));
    watched_.insert_or_assign(volume, std::move(watched));
  }
  void forget(const std::string& volume) {
    const std::lock_guard guard(mutex_);
    limited_.erase(volume);
    watched_.erase(volume);
  }
  [[nodiscard]] std::optional<Watched> find(const std::string& volume) const {
    const std::lock_guard guard(mutex_);
    const auto found = watched_.find(volume);
    return found == watched_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Those with a cow_limit.
  [[nodiscard]] std::set<std::string> limited() const {
    const std::lock_guard guard(mutex_);
    return limited_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Watched> watched_;
  std::set<std::string> limited_;
};

}  // namespace cowshed::layers
