// SPDX-License-Identifier: Apache-2.0
#include "varlink/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace cowshed::varlink {

namespace {

using nlohmann::json;

/// The service has ended, or was ended.
Error cut_off_error(int error_number) {
  return Error::from_errno(error_number, "the service has closed the connection");
}

}  // namespace

Refusal::Refusal(std::string error_name, const json& given)
    : error(std::move(error_name)), parameters(given.dump()) {}

void Client::wait() {
  constexpr int check_ms = 500;
  pollfd input{socket_.get(), POLLIN, 0};
  while (::poll(&input, 1, check_ms) <= 0) check_();
}

void Client::send(const std::string& message) {
  std::size_t sent = 0;
  while (sent < message.size()) {
    const ssize_t count = ::send(socket_.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw cut_off_error(errno);
    sent += static_cast<std::size_t>(count);
  }
}

std::string Client::receive() {
  std::array<char, 65536> chunk;
  std::size_t searched = 0;
  for (;;) {
    if (const auto end = in_.find(message_end, searched); end != std::string::npos) {
      std::string message = in_.substr(0, end);
      in_.erase(0, end + 1);
      return message;
    }
    searched = in_.size();
    wait();
    const ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw cut_off_error(count < 0 ? errno : ECONNRESET);
    in_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

json Client::call(std::string_view method, const json& parameters, const Told& told) {
  send(encode_call(method, parameters, {.more = told != nullptr, .oneway = false}));
  for (;;) {
    auto reply = parse_message(receive());
    auto answered = reply.value("parameters", json::object());
    if (const auto error = reply.find("error"); error != reply.end())
      throw Refusal(error->is_string() ? error->get<std::string>() : "", answered);
    if (!reply.value("continues", false)) return answered;
    if (told) told(answered);
  }
}

}  // namespace cowshed::varlink
