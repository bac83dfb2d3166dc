// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace cowshed {

/// A few threads for calls that block in the kernel: what they wait for (grace periods) overlaps. Threads are
/// started as work arrives, up to the maximum. Thread-safe. A task must not wait for another task of the same
/// Workers: with all threads waiting nobody would be left to run it.
class Workers {
 public:
  explicit Workers(std::size_t max_threads) : max_threads_(max_threads) {}
  /// Runs everything that is queued to its end.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// What the task throws comes out of the future. Throws std::system_error where not even one thread can be
  /// had.
  template <typename F>
  std::future<std::invoke_result_t<F>> submit(F task) {
    // std::function wants to copy what it holds.
    auto packaged = std::make_shared<std::packaged_task<std::invoke_result_t<F>()>>(std::move(task));
    auto result = packaged->get_future();
    post([packaged] { (*packaged)(); });
    return result;
  }

  /// Returns when nothing is queued or running.
  void drain();

 private:
  void post(std::function<void()> task);
  /// Called with the lock held, after a task was queued; takes that back where nobody could carry it out.
  void add_thread();
  void run();

  const std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable work_arrived_, went_idle_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

}  // namespace cowshed
