// SPDX-License-Identifier: Apache-2.0
#include "api/protocol_error.h"

#include <fmt/core.h>

#include <cctype>

#include "api/codec.h"
#include "api/methods.h"

namespace cowshed::api {

namespace {

using nlohmann::json;

/// "not_found" as "NotFound"
std::string camel_case(std::string_view snake_case) {
  std::string result;
  bool is_first = true;
  for (const char c : snake_case) {
    if (c != '_') result += is_first ? static_cast<char>(std::toupper(c)) : c;
    is_first = c == '_';
  }
  return result;
}

std::string text_of(const json& parameters, const char* name) {
  const auto found = parameters.find(name);
  return found != parameters.end() && found->is_string() ? found->get<std::string>() : "";
}

Error general_error(const std::string& name, const json& parameters) {
  if (name == "org.varlink.service.PermissionDenied")
    return {ErrorKind::permission, "the service does not let you do this: its roles are in cowshed.json"};
  if (name == "org.varlink.service.InvalidParameter")
    return {ErrorKind::invalid_argument,
            fmt::format("the service refuses the parameter '{}'", text_of(parameters, "parameter"))};
  return {ErrorKind::not_supported, fmt::format("the service answers '{}': is it of another version?", name)};
}

}  // namespace

std::string protocol_error(ErrorKind kind) {
  return fmt::format("{}.{}", interface_name, camel_case(to_string(kind)));
}

json protocol_error_parameters(const Error& error) {
  json parameters;
  encode(parameters, error);
  parameters.erase("kind");
  return parameters;
}

Error error_of(const varlink::Refusal& refusal) {
  const auto parameters = json::parse(refusal.parameters, nullptr, false);
  for (const ErrorKind kind : error_kinds()) {
    if (refusal.error != protocol_error(kind)) continue;
    const auto number = parameters.find("errno");
    Error error(kind, text_of(parameters, "message"),
                number != parameters.end() && number->is_number_integer() ? number->get<int>() : 0);
    error.at(text_of(parameters, "pointer"));
    return error;
  }
  return general_error(refusal.error, parameters);
}

}  // namespace cowshed::api
