// SPDX-License-Identifier: Apache-2.0
#include "varlink/server.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "varlink/client.h"
#include "varlink/socket.h"

namespace cowshed::varlink {
namespace {

using nlohmann::json;

/// Echoes parameters; "x.Slow" waits, "x.Throws" fails, "x.Drops" forgets to answer, "x.Many" tells 3 times.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    std::string name = ::testing::TempDir() + "varlink-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    directory_ = name;
  }
  ~ServerTest() override {
    if (server_) {
      server_->stop();
      thread_.join();
    }
    std::filesystem::remove_all(directory_);
  }

  void serve(ConnectionLimits of_connection = {}, ServerLimits limits = {}) {
    const auto handle = [](const Call& call, const std::shared_ptr<Answer>& answer) {
      if (call.method == "x.Slow") std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (call.method == "x.Throws") throw Error(ErrorKind::dirty, "on purpose");
      if (call.method == "x.Drops") return;
      for (int i = 0; i < 3 && call.method == "x.Many"; ++i) answer->tell({{"i", i}});
      answer->finish(call.parameters);
    };
    server_ = std::make_unique<Server>(
        listen_on(socket()), limits,
        [this, of_connection](const Peer&) {
          if (unanswered_ > 0 && unanswered_-- > 0) throw Error(ErrorKind::kernel_refused, "on purpose");
          return of_connection;
        },
        handle);
    thread_ = std::thread([this] { server_->run(); });
  }
  [[nodiscard]] Path socket() const { return directory_ / "socket"; }
  Client connect() { return Client(connect_to(socket())); }

  static void send(const Fd& fd, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  /// What comes until the other end closes, or half a second nothing did.
  static std::string receive(const Fd& fd) {
    const timeval half_a_second{0, 500'000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &half_a_second, sizeof(half_a_second));
    std::string result(65536, '\0');
    const auto count = ::recv(fd.get(), result.data(), result.size(), 0);
    if (count < 0) return errno == EAGAIN ? "nothing" : "";
    result.resize(static_cast<std::size_t>(count));
    return result;
  }
  /// Others are served whatever was done to one connection.
  void expect_alive() { EXPECT_EQ(connect().call("x.Echo", {{"a", 1}}), json({{"a", 1}})); }

  Path directory_;
  /// For so many connections nobody can tell who may connect.
  std::atomic<int> unanswered_ = 0;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(ServerTest, CallsOfAConnectionAreAnsweredInTheirOrder) {
  serve();
  const Fd fd = connect_to(socket());
  send(fd, encode_call("x.Slow", {{"n", 1}}, {}) + encode_call("x.Echo", {{"n", 2}}, {}));
  std::string answers;
  while (answers.find("\"n\":2") == std::string::npos) answers += receive(fd);
  EXPECT_LT(answers.find("\"n\":1"), answers.find("\"n\":2"));
}

TEST_F(ServerTest, SeveralRepliesComeOnlyToThoseWhoAskForThem) {
  serve();
  auto client = connect();
  int told = 0;
  client.call("x.Many", json::object(), [&](const json&) { ++told; });
  EXPECT_EQ(told, 3);
  EXPECT_EQ(client.call("x.Many", {{"a", 2}}), json({{"a", 2}}));
}

TEST_F(ServerTest, AOnewayCallHasNoReply) {
  serve();
  const Fd fd = connect_to(socket());
  send(fd, encode_call("x.Echo", {{"n", 1}}, {.more = false, .oneway = true}) +
               encode_call("x.Echo", {{"n", 2}}, {}));
  EXPECT_EQ(receive(fd), encode_reply({{"n", 2}}, false));
}

TEST_F(ServerTest, ParametersThatAreNullOrNotThereAreNone) {
  serve();
  const Fd fd = connect_to(socket());
  for (const std::string call : {R"({"method":"x.Echo","parameters":null})", R"({"method":"x.Echo"})"}) {
    send(fd, call + message_end);
    EXPECT_EQ(receive(fd), encode_reply(json::object(), false)) << call;
  }
}

TEST_F(ServerTest, WhatIsNoCallEndsTheConnectionAndNoOther) {
  serve();
  std::string deep = R"({"method":"x.Echo","parameters":{"a":)";
  deep += std::string(100'000, '[') + std::string(100'000, ']') + "}}";
  for (const std::string& bad :
       {std::string("nonsense"), std::string("[]"), std::string("{}"), std::string(R"({"method":7})"), deep,
        std::string(R"({"method":"x.Echo","parameters":[]})"), std::string("{\"method\":\"\xff\xfe\"}"),
        std::string(R"({"method":"x.Echo","upgrade":true})"),
        std::string(R"({"method":"x.Echo","more":1})")}) {
    const Fd fd = connect_to(socket());
    send(fd, bad + message_end);
    EXPECT_EQ(receive(fd), "") << bad.substr(0, 60);
  }
  expect_alive();
}

TEST_F(ServerTest, WhoeverSendsNonsenseAllTheTimeDoesNotFillTheLog) {
  serve();
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 200; ++i) {
    const Fd fd = connect_to(socket());
    send(fd, std::string("nonsense") + message_end);
    EXPECT_EQ(receive(fd), "");
  }
  const auto text = ::testing::internal::GetCapturedStderr();
  // 1, 2, 4, ... 128
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 8);
  EXPECT_EQ(server_->refused(), 200u);
}

TEST_F(ServerTest, AMessageWithoutAnEndIsCutOffAtTheLimit) {
  serve({.message = 100'000, .unread = 1 << 20, .half_message = std::chrono::seconds(30)});
  const Fd fd = connect_to(socket());
  send(fd, std::string(4'000'000, 'x'));
  EXPECT_EQ(receive(fd), "");
  expect_alive();
  EXPECT_EQ(server_->refused(), 1u);
}

TEST_F(ServerTest, HalfAMessageAndSilenceIsCutOff) {
  serve({.message = 1 << 20, .unread = 1 << 20, .half_message = std::chrono::seconds(0)});
  const Fd fd = connect_to(socket());
  send(fd, "{\"method\":");
  std::string answer = "nothing";
  for (int i = 0; i < 20 && answer == "nothing"; ++i) answer = receive(fd);
  EXPECT_EQ(answer, "");
  expect_alive();
}

TEST_F(ServerTest, WhoDoesNotReadIsCutOff) {
  serve({.message = 1 << 20, .unread = 100'000, .half_message = std::chrono::seconds(30)});
  const Fd fd = connect_to(socket());
  const std::string call = encode_call("x.Echo", {{"a", std::string(50'000, 'a')}}, {});
  for (int i = 0; i < 100 && server_->connections() > 0; ++i) {
    if (::send(fd.get(), call.data(), call.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  expect_alive();
}

TEST_F(ServerTest, AHandlerThatFailsOrForgetsEndsTheConnectionOnly) {
  serve();
  for (const char* method : {"x.Throws", "x.Drops"})
    EXPECT_THROW(connect().call(method, json::object()), Error) << method;
  expect_alive();
}

TEST_F(ServerTest, AConnectionThatCannotBeTakenInEndsAndHarmsNoOther) {
  serve();
  const Client before = connect();
  while (server_->connections() == 0) std::this_thread::yield();
  unanswered_ = 2;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(receive(connect_to(socket())), "");
  expect_alive();
  while (server_->connections() > 1) std::this_thread::yield();
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreSentAway) {
  serve({}, {.connections = 3, .connections_of_user = 2, .calls = 8, .calls_of_user = 4});
  std::vector<Fd> open;
  open.reserve(3);
  for (int i = 0; i < 3; ++i) open.push_back(connect_to(socket()));
  const Fd fourth = connect_to(socket());
  EXPECT_EQ(receive(fourth), "");
  open.clear();
  while (server_->connections() > 0) std::this_thread::yield();
  expect_alive();
}

TEST_F(ServerTest, ThousandsOfConnectionsAtOnceHarmNobody) {
  serve({}, {.connections = 64, .connections_of_user = 64, .calls = 8, .calls_of_user = 4});
  {
    std::vector<Fd> open;
    open.reserve(500);
    for (int i = 0; i < 500; ++i) open.push_back(connect_to(socket()));
  }
  // Those that wait to be accepted come before us.
  const auto is_served = [&] {
    try {
      return connect().call("x.Echo", {{"a", 1}}) == json({{"a", 1}});
    } catch (const Error&) {
      return false;
    }
  };
  while (!is_served()) std::this_thread::yield();
}

TEST_F(ServerTest, WhatIsBeingDoneIsAnsweredBeforeTheEnd) {
  serve();
  json answer;
  std::thread calling([&] { answer = connect().call("x.Slow", {{"a", 3}}); });
  while (server_->connections() == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server_->stop();
  calling.join();
  EXPECT_EQ(answer, json({{"a", 3}}));
}

}  // namespace
}  // namespace cowshed::varlink
