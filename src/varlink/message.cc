// SPDX-License-Identifier: Apache-2.0
#include "varlink/message.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cowshed::varlink {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(std::string message) {
  throw Error(ErrorKind::invalid_argument, std::move(message));
}

std::string finish(const json& message) {
  std::string text = message.dump(-1, ' ', false, json::error_handler_t::replace);
  text += message_end;
  return text;
}

bool flag(const json& value, std::string_view name) {
  if (!value.is_boolean()) refuse(fmt::format("'{}' is no boolean", name));
  return value.get<bool>();
}

}  // namespace

json parse_message(std::string_view text) {
  const auto watch = [](int depth, json::parse_event_t, json&) {
    if (static_cast<std::size_t>(depth) >= max_depth) refuse("nested too deeply");
    return true;
  };
  try {
    auto message = json::parse(text, watch);
    if (!message.is_object()) refuse("a message is a JSON object");
    return message;
  } catch (const json::exception&) {
    refuse("a message is a JSON object in UTF-8");
  }
}

Call to_call(const json& message) {
  static const json no_parameters = json::object();
  std::string_view method;
  const json* parameters = &no_parameters;
  CallFlags flags;
  for (const auto& [key, value] : message.items()) {
    if (key == "method" && value.is_string())
      method = value.get_ref<const std::string&>();
    else if (key == "parameters" && value.is_object())
      parameters = &value;
    else if (key == "parameters" && value.is_null())
      continue;  // github.com/varlink/go says so where there are none
    else if (key == "more")
      flags.more = flag(value, key);
    else if (key == "oneway")
      flags.oneway = flag(value, key);
    else if (key != "upgrade" || flag(value, key))
      refuse("a call has 'method', 'parameters', 'more' and 'oneway'");
  }
  if (method.empty()) refuse("a call names a method");
  return {method, *parameters, flags};
}

std::string encode_call(std::string_view method, const json& parameters, CallFlags flags) {
  json message{{"method", method}, {"parameters", parameters}};
  if (flags.more) message["more"] = true;
  if (flags.oneway) message["oneway"] = true;
  return finish(message);
}

std::string encode_reply(const json& parameters, bool continues) {
  json message{{"parameters", parameters}};
  if (continues) message["continues"] = true;
  return finish(message);
}

std::string encode_error(std::string_view error, const json& parameters) {
  return finish({{"error", error}, {"parameters", parameters}});
}

}  // namespace cowshed::varlink
