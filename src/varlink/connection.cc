// SPDX-License-Identifier: Apache-2.0
#include "varlink/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "varlink/message.h"

namespace cowshed::varlink {

Connection::Connection(Fd fd, Peer peer, ConnectionLimits limits, std::function<void()> watch_writing,
                       std::function<void()> answered)
    : fd_(std::move(fd)),
      peer_(std::move(peer)),
      limits_(limits),
      watch_writing_(std::move(watch_writing)),
      answered_(std::move(answered)) {}

Connection::Input Connection::read() {
  std::array<char, 16384> chunk;
  while (!has_message()) {
    const ssize_t count = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (count == 0) return Input::ended;
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Input::open : Input::ended;
    }
    if (in_.empty()) begun_ = Clock::now();
    const std::size_t before = in_.size();
    in_.append(chunk.data(), static_cast<std::size_t>(count));
    message_size_ = in_.find(message_end, before);
    if ((has_message() ? message_size_ : in_.size()) > limits_.message) return Input::too_long;
  }
  return Input::open;
}

std::optional<std::string> Connection::take_message() {
  if (!has_message()) return std::nullopt;
  std::string message = in_.substr(0, message_size_);
  in_.erase(0, message_size_ + 1);
  message_size_ = in_.find(message_end);
  begun_ = Clock::now();
  return message;
}

std::optional<Connection::Clock::time_point> Connection::deadline() const {
  if (in_.empty() || has_message()) return std::nullopt;
  return begun_ + limits_.half_message;
}

bool Connection::push() {
  while (sent_ < out_.size()) {
    const ssize_t count =
        ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0) return false;
    sent_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bool Connection::send(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (is_gone_) return false;
  out_.erase(0, std::exchange(sent_, 0));
  const bool waits = !out_.empty();
  out_ += message;
  if (!push() || out_.size() - sent_ > limits_.unread) {
    set_gone();
    // The server's thread sees it, and takes the connection away.
    ::shutdown(fd_.get(), SHUT_RDWR);
    return false;
  }
  if (!waits && !out_.empty()) watch_writing_();
  return true;
}

bool Connection::write() {
  const std::lock_guard lock(mutex_);
  return push();
}

bool Connection::is_drained() {
  const std::lock_guard lock(mutex_);
  return out_.empty() || is_gone_;
}

void Connection::finish_call() { answered_(); }

void Connection::set_gone() { is_gone_ = true; }

}  // namespace cowshed::varlink
