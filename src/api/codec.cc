// SPDX-License-Identifier: Apache-2.0
#include "api/codec.h"

#include "api/time_text.h"

namespace cowshed::api {

void encode(nlohmann::json& json, const std::string& value) { json = value; }
void encode(nlohmann::json& json, bool value) { json = value; }
void encode(nlohmann::json& json, Bytes value) { json = value.count; }
void encode(nlohmann::json& json, Time value) { json = time_text(value); }

void encode(nlohmann::json& json, const Error& value) {
  json = {{"kind", std::string(to_string(value.kind()))}, {"message", value.message()}};
  if (value.error_number() != 0) json["errno"] = value.error_number();
  if (!value.json_pointer().empty()) json["pointer"] = value.json_pointer();
}

void decode(const nlohmann::json& json, std::string& value, Unknown /*unknown*/) {
  if (!json.is_string()) throw BadParameter("");
  value = json.get<std::string>();
  // A path would end there, and be another one than what is logged.
  if (value.find('\0') != std::string::npos) throw BadParameter("");
}

void decode(const nlohmann::json& json, bool& value, Unknown /*unknown*/) {
  if (!json.is_boolean()) throw BadParameter("");
  value = json.get<bool>();
}

void decode(const nlohmann::json& json, Bytes& value, Unknown unknown) { decode(json, value.count, unknown); }

void decode(const nlohmann::json& json, Time& value, Unknown unknown) {
  std::string text;
  decode(json, text, unknown);
  const auto parsed = parse_time_text(text);
  if (!parsed) throw BadParameter("");
  value = *parsed;
}

void encode(nlohmann::json& json, Health value) { json = std::string(to_string(value)); }

void decode(const nlohmann::json& json, Health& value, Unknown unknown) {
  std::string text;
  decode(json, text, unknown);
  value = Health::unknown;
  for (const Health known : {Health::good, Health::warning, Health::bad})
    if (text == to_string(known)) value = known;
}

void decode(const nlohmann::json& json, std::optional<Error>& value, Unknown unknown) {
  std::string kind, message;
  std::optional<int> error_number;
  std::optional<std::string> pointer;
  FieldDecoder decoder(json, unknown);
  decoder("kind", kind);
  decoder("message", message);
  decoder("errno", error_number);
  decoder("pointer", pointer);
  decoder.finish();
  // A newer service may know more kinds.
  value.emplace(parse_error_kind(kind).value_or(ErrorKind::kernel_refused), message,
                error_number.value_or(0));
  if (pointer) value->at(*pointer);
}

void decode(const nlohmann::json& json, std::vector<Error>& values, Unknown unknown) {
  if (!json.is_array()) throw BadParameter("");
  for (const auto& element : json) {
    std::optional<Error> error;
    decode(element, error, unknown);
    values.push_back(std::move(*error));
  }
}

}  // namespace cowshed::api
