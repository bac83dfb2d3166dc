// SPDX-License-Identifier: Apache-2.0
#include "service/background.h"

#include <utility>

#include "base/log.h"

namespace cowshed::service {

Background::Background(Work work) : work_(std::move(work)), thread_([this] { run(); }) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_.notify_all();
  thread_.join();
}

void Background::run() {
  constexpr std::chrono::milliseconds after_failure(1000);
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    lock.unlock();
    auto next = after_failure;
    try {
      next = work_();
    } catch (const std::exception& failure) {
      log_warning(failure.what());
    }
    lock.lock();
    ending_.wait_for(lock, next, [this] { return is_ending_; });
  }
}

}  // namespace cowshed::service
