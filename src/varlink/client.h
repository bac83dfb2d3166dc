// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "varlink/message.h"

namespace cowshed::varlink {

/// What a service answered when it could not do what was asked.
struct Refusal : std::exception {
  Refusal(std::string error_name, const nlohmann::json& given);

  /// "io.cowshed.NotFound"
  std::string error;
  /// JSON.
  std::string parameters;

  [[nodiscard]] const char* what() const noexcept override { return error.c_str(); }
};

/// The other end of a connection; blocks. One thread at a time.
class Client {
 public:
  /// A connected socket (varlink/socket.h). `check` is called while an answer is waited for, at once after a
  /// signal and else twice a second: what it throws ends the wait, and the connection is of no further use.
  explicit Client(
      Fd socket, std::function<void()> check = [] {})
      : socket_(std::move(socket)), check_(std::move(check)) {}

  /// Called with each of several replies but the last.
  using Told = std::function<void(const nlohmann::json&)>;

  /// The last reply's parameters. With `told` several replies are asked for. Throws Refusal for an answer
  /// that is an error; Error where the connection ended before, or what came is no answer. `told` may throw:
  /// then the connection is of no further use.
  nlohmann::json call(std::string_view method, const nlohmann::json& parameters, const Told& told = nullptr);

 private:
  void send(const std::string& message);
  std::string receive();
  void wait();

  Fd socket_;
  std::function<void()> check_;
  std::string in_;
};

}  // namespace cowshed::varlink
