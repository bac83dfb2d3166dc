// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

/// Varlink (varlink.org/Method-Call): JSON objects over a stream socket, each ended by a NUL byte. Calls of a
/// connection are answered in their order.
namespace cowshed::varlink {

/// What ends a message.
constexpr char message_end = '\0';
/// Objects and arrays within each other, the message itself included.
constexpr std::size_t max_depth = 32;

/// What a call asks for beside its method and parameters.
struct CallFlags {
  /// Several replies are welcome.
  bool more = false;
  /// No reply is wanted.
  bool oneway = false;
};

/// A call as it came in. Valid while its message is.
struct Call {
  /// "io.cowshed.VmStart"
  std::string_view method;
  const nlohmann::json& parameters;
  CallFlags flags;
};

/// Parses one message without its NUL. Throws Error invalid_argument for what is no JSON object, not UTF-8 or
/// nested beyond max_depth.
nlohmann::json parse_message(std::string_view text);

/// The parts of a call. Throws Error invalid_argument where one has a wrong type or is not known; "upgrade"
/// is refused. `message` must outlive the answer.
Call to_call(const nlohmann::json& message);

/// Messages with their NUL. Bytes that are no UTF-8 are replaced.
std::string encode_call(std::string_view method, const nlohmann::json& parameters, CallFlags flags);
std::string encode_reply(const nlohmann::json& parameters, bool continues);
std::string encode_error(std::string_view error, const nlohmann::json& parameters);

}  // namespace cowshed::varlink
