// SPDX-License-Identifier: Apache-2.0
// Whatever bytes a peer sends to the service, in whatever pieces they arrive: they are parted at NUL bytes,
// each message is a call or ends the connection, each call has one answer that any client can read, and a
// request that is taken says what was sent. libFuzzer's entry; the first byte of the input says into how many
// pieces the rest is cut.
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api/codec.h"
#include "api/methods.h"
#include "base/error.h"
#include "varlink/connection.h"
#include "varlink/interfaces.h"

using namespace cowshed;
using nlohmann::json;

namespace {

constexpr varlink::ConnectionLimits limits{.message = 1000};
/// Read at once by a connection; what came with a message is not measured again.
constexpr std::size_t longest_taken = 16384;

void expect(bool is_so) {
  if (!is_so) std::abort();
}

// --- Requests

/// A field that is null is one that is not there.
json without_nulls(const json& value) {
  if (!value.is_structured()) return value;
  json result = value.is_array() ? json::array() : json::object();
  for (const auto& [key, inner] : value.items()) {
    if (value.is_array())
      result.push_back(without_nulls(inner));
    else if (!inner.is_null())
      result[key] = without_nulls(inner);
  }
  return result;
}

void expect_says_what_was_sent(const json& taken, const json& sent) {
  for (const auto& [name, value] : sent.items())
    if (!value.is_null()) expect(taken.contains(name) && taken[name] == without_nulls(value));
}

template <typename Request>
void take(const varlink::Call& call, varlink::Answer& answer) {
  try {
    Request request;
    api::decode(call.parameters, request, api::Unknown::refuse);
    json taken;
    api::encode(taken, request);
    expect_says_what_was_sent(taken, call.parameters);
    answer.finish(taken);
  } catch (const api::BadParameter& bad) {
    varlink::refuse_parameter(answer, bad.name);
  }
}

bool take_any(std::string_view name, const varlink::Call& call,
              const std::shared_ptr<varlink::Answer>& answer) {
  bool is_found = false;
  api::for_each_method([&]<typename Request>(const api::Method<Request>& method) {
    if (method.name != name) return;
    is_found = true;
    take<Request>(call, *answer);
  });
  return is_found;
}

const varlink::Interfaces& interfaces() {
  static const auto* const all = [] {
    auto* const made = new varlink::Interfaces({.vendor = "v", .product = "p", .version = "1", .url = "u"});
    made->add(std::string(api::interface_name), "interface io.cowshed", take_any);
    return made;
  }();
  return *all;
}

// --- A connection

/// Both ends of one, with what the server's thread does on its side.
class Conversation {
 public:
  explicit Conversation(std::string_view sent) : expected_(sent) {
    int ends[2];
    expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    peer_ = Fd(ends[0]);
    connection_ = std::make_shared<varlink::Connection>(
        Fd(ends[1]), varlink::Peer{}, limits, [] {}, [] {});
  }

  /// False when the connection has ended.
  bool send(std::string_view piece) {
    if (piece.empty()) return true;
    expect(::send(peer_.get(), piece.data(), piece.size(), 0) == static_cast<ssize_t>(piece.size()));
    for (;;) {
      const auto input = connection_->read();
      if (input == varlink::Connection::Input::too_long) {
        expect(expected_.substr(0, expected_.find(varlink::message_end)).size() > limits.message);
        return false;
      }
      const auto message = connection_->take_message();
      if (!message) return true;
      expect_is_next(*message);
      if (!carry_out(*message)) return false;
    }
  }

 private:
  void expect_is_next(std::string_view message) {
    const auto end = expected_.find(varlink::message_end);
    expect(end != std::string_view::npos && message == expected_.substr(0, end));
    expect(message.size() <= longest_taken);
    expected_.remove_prefix(end + 1);
  }

  bool carry_out(const std::string& message) {
    try {
      const auto parsed = varlink::parse_message(message);
      const auto call = varlink::to_call(parsed);
      auto answer = std::make_shared<varlink::Answer>(connection_);
      answer->expect(call.flags);
      interfaces().handle(call, answer);
      answer.reset();
      expect_answers(call.flags.oneway ? 0 : 1);
      return true;
    } catch (const Error& error) {
      expect(error.kind() == ErrorKind::invalid_argument);
      return false;
    }
  }

  void expect_answers(std::size_t count) {
    static std::array<char, 1U << 17U> text;
    const auto size = ::recv(peer_.get(), text.data(), text.size(), 0);
    if (count == 0) return expect(size < 0);
    expect(size > 1 && text.at(static_cast<std::size_t>(size) - 1) == varlink::message_end);
    // More than one would have a NUL within.
    const auto answer = varlink::parse_message({text.data(), static_cast<std::size_t>(size) - 1});
    expect(answer.contains("parameters") && answer["parameters"].is_object());
    expect(!answer.contains("error") || answer["error"].is_string());
  }

  std::string_view expected_;
  Fd peer_;
  std::shared_ptr<varlink::Connection> connection_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer asks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view sent(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = sent.size() / (1 + data[0] % 16) + 1;
  Conversation conversation(sent);
  for (std::size_t at = 0; at < sent.size(); at += piece)
    if (!conversation.send(sent.substr(at, piece))) break;
  return 0;
}
