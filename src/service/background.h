// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace cowshed::service {

/// A piece of work that is done again and again in a thread of its own, at the lowest priority that does not
/// starve. What it throws is logged.
class Background {
 public:
  using Work = std::function<void()>;

  explicit Background(Work work, std::chrono::milliseconds every = std::chrono::seconds(1));
  /// Waits for the piece that is being done.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Now, or once more when it is at work.
  void hurry();

 private:
  void run();

  Work work_;
  std::chrono::milliseconds every_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  bool is_hurried_ = false, is_ending_ = false;
  std::thread thread_;
};

}  // namespace cowshed::service
