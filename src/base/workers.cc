// SPDX-License-Identifier: Apache-2.0
#include "base/workers.h"

#include <system_error>

namespace cowshed {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Workers::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    if (queue_.size() > idle_ && threads_.size() < max_threads_) add_thread();
  }
  work_arrived_.notify_one();
}

void Workers::add_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // Those that there are will get to it.
    if (!threads_.empty()) return;
    queue_.pop_back();
    throw;
  }
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    --running_;
    if (queue_.empty() && running_ == 0) went_idle_.notify_all();
  }
}

void Workers::drain() {
  std::unique_lock lock(mutex_);
  went_idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

}  // namespace cowshed
