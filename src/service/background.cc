// SPDX-License-Identifier: Apache-2.0
#include "service/background.h"

#include <sys/resource.h>

#include <utility>

#include "base/log.h"

namespace cowshed::service {

Background::Background(Work work, std::chrono::milliseconds every)
    : work_(std::move(work)), every_(every), thread_([this] { run(); }) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void Background::hurry() {
  {
    const std::lock_guard lock(mutex_);
    is_hurried_ = true;
  }
  wanted_.notify_all();
}

void Background::run() {
  constexpr int nice = 10;
  // Of this thread alone: on Linux priorities are those of threads (setpriority(2)).
  ::setpriority(PRIO_PROCESS, 0, nice);
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait_for(lock, every_, [this] { return is_hurried_ || is_ending_; });
    if (is_ending_) return;
    is_hurried_ = false;
    lock.unlock();
    try {
      work_();
    } catch (const std::exception& failure) {
      log_warning(failure.what());
    }
    lock.lock();
  }
}

}  // namespace cowshed::service
