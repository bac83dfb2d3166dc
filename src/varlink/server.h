// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/workers.h"
#include "varlink/answer.h"
#include "varlink/connection.h"

namespace cowshed::varlink {

struct ServerLimits {
  std::size_t connections = 1024;
  /// Of one user; root has all.
  std::size_t connections_of_user = 128;
  /// Calls that are worked on at the same time; others wait.
  std::size_t calls = 96;
  /// Of one user; root has all but a few.
  std::size_t calls_of_user = 48;
};

/// Serves Varlink on a listening socket. One thread (that of run()) waits for all connections; calls are
/// worked on by threads of their own. A connection's next message is not read before the one before it is
/// answered, so nobody queues up work without limit.
class Server {
 public:
  /// What a peer may have; nothing: it is sent away.
  using Admit = std::function<std::optional<ConnectionLimits>(const Peer&)>;

  /// `listening` is a bound stream socket that listens. Throws Error.
  Server(Fd listening, ServerLimits limits, Admit admit, Handler handler);
  /// After run() has returned.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Returns after stop(), when calls in progress have been answered.
  void run();
  /// No further calls are taken. Any thread, also a signal handler.
  void stop() noexcept;
  /// Called once in run() when stop() was called, with what is worked on still going on.
  void on_stop(std::function<void()> call) { on_stop_ = std::move(call); }

  /// Those that are open.
  [[nodiscard]] std::size_t connections() const { return open_; }
  /// Connections that were refused, or cut off for breaking a limit or for what is no call.
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  using Id = std::uint64_t;
  struct Entry {
    std::shared_ptr<Connection> connection;
    /// A call is being worked on, or waits for its turn.
    bool is_busy = false;
    /// Input is left in the socket until the call is answered.
    bool is_paused = false;
  };

  struct Waiting {
    Id id;
    std::shared_ptr<Connection> connection;
    std::string message;
  };

  void handle(Id id, std::uint32_t events);
  void accept_all();
  void accept_one(Id id, Fd fd);
  [[nodiscard]] bool has_room_for(const Peer& peer) const;
  void refuse(const Peer& peer, std::string_view why);
  void handle_connection(Id id, std::uint32_t events);
  /// What there is no memory, thread or descriptor for is the loss of that connection and of no other.
  void or_close(Id id, const std::function<void()>& step);
  void read(Id id);
  void close(Id id);
  /// Who began a message and does not end it is cut off.
  void sweep();
  void end_all();
  void watch(int operation, Id id, int fd, std::uint32_t events);
  void watch_writing(Id id, int fd);
  void wake() noexcept;
  std::shared_ptr<Connection> find(Id id);

  /// Leaves what comes in the socket while a call is worked on. True where it does.
  bool pause_if_busy(Id id);
  void begin_next_call(Id id, const std::shared_ptr<Connection>& connection);
  void go_on_after_calls();
  void go_on(Id id);
  /// Called with the lock held.
  [[nodiscard]] bool may_begin(uid_t uid) const;
  void post(const std::shared_ptr<Connection>& connection, std::string message);

  // In the threads of workers_.
  void carry_out(const std::shared_ptr<Connection>& connection, const std::string& message);
  void hand_over(const Call& call, std::shared_ptr<Answer> answer);
  void end_work(uid_t uid);
  void forget_call(uid_t uid);
  void take_answered(Id id);

  Fd listening_, epoll_, wake_;
  ServerLimits limits_;
  Admit admit_;
  Handler handler_;
  std::function<void()> on_stop_;
  Id next_id_;
  Connection::Clock::time_point next_sweep_;
  std::unordered_map<uid_t, std::size_t> connections_by_user_;
  std::atomic<std::size_t> open_{0}, refused_{0};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  // Under the lock:
  std::unordered_map<Id, Entry> entries_;
  std::unordered_map<uid_t, std::size_t> calls_by_user_;
  /// Whose user has too many calls at work.
  std::deque<Waiting> waiting_;
  /// Connections that can go on, since their call was answered.
  std::vector<Id> answered_;
  /// Last: its threads use the others to the end.
  Workers workers_;
};

}  // namespace cowshed::varlink
