// SPDX-License-Identifier: Apache-2.0
#include "service/signals.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace cowshed::service {

namespace {

/// Ends the thread.
constexpr int end_signal = SIGUSR1;

sigset_t waited_for() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, end_signal}) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

void Signals::block() {
  const sigset_t set = waited_for();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(std::map<int, std::function<void()>> handlers) : handlers_(std::move(handlers)) {
  block();
  thread_ = std::thread([this] { wait(); });
}

Signals::~Signals() {
  ::pthread_kill(thread_.native_handle(), end_signal);
  thread_.join();
}

void Signals::wait() const {
  const sigset_t set = waited_for();
  for (int signal = 0; ::sigwait(&set, &signal) == 0;) {
    if (signal == end_signal) return;
    if (const auto handler = handlers_.find(signal); handler != handlers_.end()) handler->second();
  }
}

}  // namespace cowshed::service
