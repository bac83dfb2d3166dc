// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <thread>

namespace cowshed::service {

/// As long as it lives, these signals call functions in a thread of their own, where they may do anything.
/// Threads that are made meanwhile never see them; made before, they must have blocked them.
class Signals {
 public:
  explicit Signals(std::map<int, std::function<void()>> handlers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// In the calling thread, and so in all that it makes. Call it before the first.
  static void block();

 private:
  void wait() const;

  std::map<int, std::function<void()>> handlers_;
  std::thread thread_;
};

}  // namespace cowshed::service
