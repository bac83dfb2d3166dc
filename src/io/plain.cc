// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "io/backend.h"
#include "io/system_calls.h"

namespace cowshed::io {

namespace {

/// More wait in the kernel at the same time than this is worth a thread for.
constexpr unsigned most_threads = 8;

/// Threads that carry out one request at a time each, so that as many overlap as there are threads.
class PlainBackend : public Backend {
 public:
  explicit PlainBackend(unsigned threads) : max_threads_(threads) {}
  ~PlainBackend() override;

  [[nodiscard]] std::string_view name() const override { return "preadv"; }
  void submit(const Request& request) override;
  void wait(std::vector<Completion>& done) override;

 private:
  /// Called with the lock held, after a request was queued.
  void add_thread();
  void run();

  const unsigned max_threads_;
  std::mutex mutex_;
  std::condition_variable work_arrived_, work_done_;
  std::deque<Request> queue_;
  std::vector<Completion> done_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

PlainBackend::~PlainBackend() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void PlainBackend::add_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    if (!threads_.empty()) return;
    done_.push_back(carry_out(queue_.back()));
    queue_.pop_back();
  }
}

void PlainBackend::submit(const Request& request) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(request);
    if (queue_.size() > idle_ && threads_.size() < max_threads_) add_thread();
  }
  work_arrived_.notify_one();
}

void PlainBackend::wait(std::vector<Completion>& done) {
  std::unique_lock lock(mutex_);
  work_done_.wait(lock, [this] { return !done_.empty(); });
  done.insert(done.end(), done_.begin(), done_.end());
  done_.clear();
}

void PlainBackend::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    const Request request = queue_.front();
    queue_.pop_front();
    lock.unlock();
    const Completion completion = carry_out(request);
    lock.lock();
    done_.push_back(completion);
    work_done_.notify_one();
  }
}

}  // namespace

std::unique_ptr<Backend> open_plain(const BackendSetup& setup) {
  return std::make_unique<PlainBackend>(std::clamp(setup.depth, 1U, most_threads));
}

}  // namespace cowshed::io
