// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/fd.h"
#include "varlink/peer.h"

namespace cowshed::varlink {

/// What one peer may have.
struct ConnectionLimits {
  /// Bytes of a message.
  std::size_t message = 1U << 20U;
  /// Bytes of replies that wait for the peer to read them: who reads slower is cut off.
  std::size_t unread = 4U << 20U;
  /// Between the first and the last byte of a message.
  std::chrono::seconds half_message{30};
};

/// One connection of the server. Its reading side belongs to the server's thread; replies are sent from any.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  /// `fd` does not block. `watch_writing` is called, from any thread, when replies wait for the peer;
  /// `answered` when a call was answered for the last time.
  Connection(Fd fd, Peer peer, ConnectionLimits limits, std::function<void()> watch_writing,
             std::function<void()> answered);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const Peer& peer() const { return peer_; }

  // The server's thread.

  enum class Input { open, ended, too_long };
  /// Takes what there is to read, not more than one message and what came with it.
  Input read();
  /// The next message, without its NUL. Nothing while none is complete.
  std::optional<std::string> take_message();
  [[nodiscard]] bool has_message() const { return message_size_ != std::string::npos; }
  /// When a message that was begun must be there; nothing while none is.
  [[nodiscard]] std::optional<Clock::time_point> deadline() const;
  /// Sends what waits. False where the connection is broken.
  bool write();

  // Any thread.

  /// Sends or keeps for later. False where nobody will read it.
  bool send(const std::string& message);
  /// The call in progress has been answered.
  void finish_call();
  /// The peer has gone, or is to go: its work is of no use to anybody.
  void set_gone();
  [[nodiscard]] bool is_gone() const { return is_gone_; }
  /// Nothing that was sent is left here.
  [[nodiscard]] bool is_drained();

 private:
  /// Sends what the socket takes of `out_`. Called with the lock held.
  bool push();

  Fd fd_;
  Peer peer_;
  ConnectionLimits limits_;
  std::function<void()> watch_writing_, answered_;

  std::string in_;
  /// Of the first message in `in_`, where it is complete.
  std::size_t message_size_ = std::string::npos;
  Clock::time_point begun_;

  std::mutex mutex_;
  std::string out_;
  std::size_t sent_ = 0;
  std::atomic<bool> is_gone_{false};
};

}  // namespace cowshed::varlink
