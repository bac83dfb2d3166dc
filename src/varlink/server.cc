// SPDX-License-Identifier: Apache-2.0
#include "varlink/server.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"
#include "varlink/message.h"

namespace cowshed::varlink {

namespace {

constexpr std::uint64_t listening_id = 0, wake_id = 1, first_id = 2;
/// EPOLLHUP, which needs no asking: the peer has closed. One that only will not write any more still reads.
constexpr std::uint32_t reading = EPOLLIN;
constexpr int sweep_ms = 1000;

Fd checked(int fd, const char* what) {
  if (fd < 0) throw Error::from_errno(errno, what);
  return Fd(fd);
}

}  // namespace

Server::Server(Fd listening, ServerLimits limits, Admit admit, Handler handler)
    : listening_(std::move(listening)),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "wait for connections")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "wait for connections")),
      limits_(limits),
      admit_(std::move(admit)),
      handler_(std::move(handler)),
      next_id_(first_id),
      workers_(limits.calls) {
  watch(EPOLL_CTL_ADD, listening_id, listening_.get(), EPOLLIN);
  watch(EPOLL_CTL_ADD, wake_id, wake_.get(), EPOLLIN);
}

Server::~Server() { workers_.drain(); }

void Server::watch(int operation, Id id, int fd, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), operation, fd, &event) < 0 && operation == EPOLL_CTL_ADD)
    throw Error::from_errno(errno, "watch a connection");
}

void Server::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof(one));
}

void Server::stop() noexcept {
  stopping_ = true;
  wake();
}

std::shared_ptr<Connection> Server::find(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.connection;
}

void Server::run() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int timeout = open_ == 0 ? -1 : sweep_ms;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) throw Error::from_errno(errno, "wait for connections");
    for (int i = 0; i < count; ++i)
      handle(events.at(static_cast<std::size_t>(i)).data.u64, events.at(static_cast<std::size_t>(i)).events);
    sweep();
  }
  end_all();
}

void Server::handle(Id id, std::uint32_t events) {
  if (id == listening_id)
    accept_all();
  else if (id == wake_id)
    go_on_after_calls();
  else
    or_close(id, [&] { handle_connection(id, events); });
}

void Server::or_close(Id id, const std::function<void()>& step) {
  try {
    step();
  } catch (const std::exception& failure) {
    log_warning(fmt::format("a connection is given up: {}", failure.what()));
    close(id);
  }
}

void Server::end_all() {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listening_.get(), nullptr);
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  if (on_stop_) on_stop_();
  workers_.drain();
  // Answers are small: what the socket did not take at once has no reader.
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) entry.connection->set_gone();
  entries_.clear();
}

// --- Connections

void Server::accept_all() {
  for (;;) {
    Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.is_open()) {
      const Id id = next_id_++;
      or_close(id, [&] { accept_one(id, std::move(fd)); });
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return;
    log_warning(fmt::format("accept a connection: {}", Error::from_errno(errno, "").message()));
    // Out of descriptors: those that wait are looked at again with the next one that closes.
    ::usleep(10'000);
    return;
  }
}

bool Server::has_room_for(const Peer& peer) const {
  if (open_ >= limits_.connections) return false;
  const auto found = connections_by_user_.find(peer.uid);
  return peer.uid == 0 || found == connections_by_user_.end() || found->second < limits_.connections_of_user;
}

void Server::accept_one(Id id, Fd fd) {
  Peer peer = peer_of(fd.get());
  const auto limits = admit_(peer);
  if (!limits) return refuse(peer, "has no business here");
  if (!has_room_for(peer)) return refuse(peer, "has too many connections");
  const int number = fd.get();
  auto connection = std::make_shared<Connection>(
      std::move(fd), std::move(peer), *limits, [this, id, number] { watch_writing(id, number); },
      [this, id] { take_answered(id); });
  const std::lock_guard lock(mutex_);
  auto& of_user = connections_by_user_[connection->peer().uid];
  entries_.emplace(id, Entry{std::move(connection)});
  ++of_user;
  ++open_;
  watch(EPOLL_CTL_ADD, id, number, reading);
}

void Server::watch_writing(Id id, int fd) { watch(EPOLL_CTL_MOD, id, fd, reading | EPOLLOUT); }

void Server::refuse(const Peer& peer, std::string_view why) {
  // Whoever does it thousands of times does not fill the log.
  const auto times = ++refused_;
  if ((times & (times - 1)) == 0)
    log_warning(
        fmt::format("connection of {} refused: it {} ({} refused so far)", to_string(peer), why, times));
}

void Server::close(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  auto& connection = *found->second.connection;
  connection.set_gone();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.fd(), nullptr);
  // The peer learns of it now, even while the call in progress holds the connection.
  ::shutdown(connection.fd(), SHUT_RDWR);
  --open_;
  if (const auto user = connections_by_user_.find(connection.peer().uid); --user->second == 0)
    connections_by_user_.erase(user);
  std::erase_if(waiting_, [&](const Waiting& call) { return call.id == id; });
  entries_.erase(found);
}

void Server::sweep() {
  const auto now = Connection::Clock::now();
  if (now < next_sweep_) return;
  next_sweep_ = now + std::chrono::milliseconds(sweep_ms);
  std::vector<Id> overdue;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : entries_)
      if (const auto deadline = entry.connection->deadline(); deadline && *deadline < now && !entry.is_busy)
        overdue.push_back(id);
  }
  for (const Id id : overdue) {
    if (const auto connection = find(id)) refuse(connection->peer(), "began a message and did not end it");
    close(id);
  }
}

void Server::handle_connection(Id id, std::uint32_t events) {
  const auto connection = find(id);
  if (!connection) return;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return close(id);
  if ((events & EPOLLOUT) != 0) {
    if (!connection->write()) return close(id);
    if (connection->is_drained()) watch(EPOLL_CTL_MOD, id, connection->fd(), reading);
  }
  if ((events & EPOLLIN) != 0 && !pause_if_busy(id)) read(id);
}

// --- Calls

bool Server::pause_if_busy(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return true;
  auto& entry = found->second;
  if (!entry.is_busy) return false;
  entry.is_paused = true;
  watch(EPOLL_CTL_MOD, id, entry.connection->fd(), entry.connection->is_drained() ? 0U : EPOLLOUT);
  return true;
}

void Server::read(Id id) {
  const auto connection = find(id);
  switch (connection->read()) {
    case Connection::Input::ended:
      // Half a message is nothing; what came before has been answered.
      return close(id);
    case Connection::Input::too_long:
      refuse(connection->peer(), "sent a message that is too long");
      return close(id);
    case Connection::Input::open:
      return begin_next_call(id, connection);
  }
}

bool Server::may_begin(uid_t uid) const {
  constexpr std::size_t kept_for_others = 4;
  const auto found = calls_by_user_.find(uid);
  const std::size_t own = found == calls_by_user_.end() ? 0 : found->second;
  return own < (uid == 0 ? limits_.calls - kept_for_others : limits_.calls_of_user);
}

void Server::begin_next_call(Id id, const std::shared_ptr<Connection>& connection) {
  auto message = connection->take_message();
  if (!message) return;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.is_busy = true;
  if (may_begin(connection->peer().uid))
    post(connection, std::move(*message));
  else
    waiting_.push_back({id, connection, std::move(*message)});
}

void Server::post(const std::shared_ptr<Connection>& connection, std::string message) {
  const uid_t uid = connection->peer().uid;
  ++calls_by_user_[uid];
  Undo undo([&] { forget_call(uid); });
  workers_.submit([this, uid, connection, message = std::move(message)] {
    carry_out(connection, message);
    end_work(uid);
  });
  undo.release();
}

void Server::forget_call(uid_t uid) {
  if (const auto user = calls_by_user_.find(uid); --user->second == 0) calls_by_user_.erase(user);
}

void Server::carry_out(const std::shared_ptr<Connection>& connection, const std::string& message) {
  auto answer = std::make_shared<Answer>(connection);
  try {
    const auto parsed = parse_message(message);
    hand_over(to_call(parsed), std::move(answer));
  } catch (const Error& error) {
    refuse(connection->peer(), fmt::format("sent what is no call: {}", error.message()));
  }
}

void Server::hand_over(const Call& call, std::shared_ptr<Answer> answer) {
  const auto who = to_string(answer->peer());
  answer->expect(call.flags);
  try {
    handler_(call, std::move(answer));
  } catch (const std::exception& failure) {
    log_warning(fmt::format("connection of {} ended: {}", who, failure.what()));
  }
}

void Server::end_work(uid_t uid) {
  const std::lock_guard lock(mutex_);
  forget_call(uid);
  const auto next = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Waiting& call) { return may_begin(call.connection->peer().uid); });
  if (next == waiting_.end()) return;
  const Waiting call = std::move(*next);
  waiting_.erase(next);
  try {
    post(call.connection, call.message);
  } catch (const std::exception& failure) {
    log_warning(fmt::format("a connection is given up: {}", failure.what()));
    // The server's thread sees that and closes it.
    ::shutdown(call.connection->fd(), SHUT_RDWR);
  }
}

void Server::take_answered(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  entry.is_busy = false;
  if (!entry.is_paused && !entry.connection->has_message()) return;
  answered_.push_back(id);
  wake();
}

void Server::go_on_after_calls() {
  std::uint64_t times = 0;
  [[maybe_unused]] const auto count = ::read(wake_.get(), &times, sizeof(times));
  std::vector<Id> answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(answered_);
    for (const Id id : answered)
      if (const auto found = entries_.find(id); found != entries_.end()) found->second.is_paused = false;
  }
  for (const Id id : answered) or_close(id, [&] { go_on(id); });
}

void Server::go_on(Id id) {
  const auto connection = find(id);
  if (!connection) return;
  watch(EPOLL_CTL_MOD, id, connection->fd(), connection->is_drained() ? reading : reading | EPOLLOUT);
  begin_next_call(id, connection);
}

}  // namespace cowshed::varlink
