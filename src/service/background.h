// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace cowshed::service {

/// A piece of work that is done again and again in a thread of its own. It says when it wants to be called
/// next; what it throws is logged.
class Background {
 public:
  using Work = std::function<std::chrono::milliseconds()>;

  explicit Background(Work work);
  /// Waits for the piece that is being done.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  void run();

  Work work_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace cowshed::service
