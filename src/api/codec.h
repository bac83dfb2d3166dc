// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/fields.h"
#include "base/error.h"
#include "base/units.h"

/// Requests and answers as JSON, by their Fields, and back. Carries the whole JSON library: for few sources.
namespace cowshed::api {

/// What a peer sent is no such value; `name` says where: "properties/0/key".
struct BadParameter : std::exception {
  explicit BadParameter(std::string where) : name(std::move(where)) {}
  std::string name;
  [[nodiscard]] const char* what() const noexcept override { return name.c_str(); }
};

using Time = std::chrono::system_clock::time_point;

/// What is done with names that nobody asked for: a service refuses them, a client may talk to a newer one.
enum class Unknown { refuse, ignore };

/// Types that are no structs with Fields.
void encode(nlohmann::json& json, const std::string& value);
void encode(nlohmann::json& json, bool value);
void encode(nlohmann::json& json, Bytes value);
void encode(nlohmann::json& json, Time value);
void encode(nlohmann::json& json, const Error& value);
void encode(nlohmann::json& json, Health value);
void decode(const nlohmann::json& json, std::string& value, Unknown unknown);
void decode(const nlohmann::json& json, bool& value, Unknown unknown);
void decode(const nlohmann::json& json, Bytes& value, Unknown unknown);
void decode(const nlohmann::json& json, Time& value, Unknown unknown);
/// One that a newer service knows is Health::unknown.
void decode(const nlohmann::json& json, Health& value, Unknown unknown);
void decode(const nlohmann::json& json, std::optional<Error>& value, Unknown unknown);
void decode(const nlohmann::json& json, std::vector<Error>& values, Unknown unknown);

template <typename T>
concept Number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <Number T>
void encode(nlohmann::json& json, T value) {
  json = value;
}
template <typename T>
void encode(nlohmann::json& json, const std::optional<T>& value);
template <typename T>
void encode(nlohmann::json& json, const std::vector<T>& values);
template <typename T>
void encode(nlohmann::json& json, const std::map<std::string, T>& values);
template <HasFields T>
void encode(nlohmann::json& json, const T& value);

template <Number T>
void decode(const nlohmann::json& json, T& value, Unknown unknown);
template <typename T>
void decode(const nlohmann::json& json, std::optional<T>& value, Unknown unknown);
template <typename T>
void decode(const nlohmann::json& json, std::vector<T>& values, Unknown unknown);
template <typename T>
void decode(const nlohmann::json& json, std::map<std::string, T>& values, Unknown unknown);
template <HasFields T>
void decode(const nlohmann::json& json, T& value, Unknown unknown);

/// Adds fields to a JSON object; what is not set is left out.
class FieldEncoder {
 public:
  explicit FieldEncoder(nlohmann::json& json) : json_(json) {}
  template <typename T>
  void operator()(std::string_view name, const T& value) {
    nlohmann::json encoded;
    encode(encoded, value);
    if (!encoded.is_null()) json_.emplace(name, std::move(encoded));
  }
  /// Made absolute, since whoever reads it may be elsewhere.
  void path(std::string_view name, const std::string& value) {
    (*this)(name, std::filesystem::absolute(value).native());
  }
  void path(std::string_view name, const std::optional<std::string>& value) {
    if (value) path(name, *value);
  }

 private:
  nlohmann::json& json_;
};

/// Reads fields out of a JSON object. Throws BadParameter for a wrong type, a value that must be there, and
/// with Unknown::refuse for a name that is none. Booleans, lists and maps may be missing.
class FieldDecoder {
 public:
  FieldDecoder(const nlohmann::json& json, Unknown unknown) : json_(json), unknown_(unknown) {
    if (!json.is_object()) throw BadParameter("");
  }
  template <typename T>
  void operator()(std::string_view name, T& value) {
    known_.push_back(name);
    const auto found = json_.find(name);
    if (found == json_.end() || found->is_null()) return missing<T>(name);
    within(name, [&] { decode(*found, value, unknown_); });
  }
  /// One that is not absolute means something else here than where it comes from.
  template <typename T>
  void path(std::string_view name, T& value) {
    (*this)(name, value);
    const std::optional<std::string> given(value);
    if (given && !given->starts_with('/')) throw BadParameter(std::string(name));
  }
  void finish() const {
    if (unknown_ == Unknown::ignore) return;
    for (const auto& [name, value] : json_.items())
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) throw BadParameter(name);
  }

  template <typename Body>
  static void within(std::string_view name, Body body) {
    try {
      body();
    } catch (const BadParameter& inner) {
      throw BadParameter(std::string(name) + (inner.name.empty() ? "" : "/" + inner.name));
    }
  }

 private:
  template <typename T>
  static void missing(std::string_view name) {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes> || std::is_same_v<T, Time>)
      throw BadParameter(std::string(name));
  }

  const nlohmann::json& json_;
  Unknown unknown_;
  std::vector<std::string_view> known_;
};

template <typename T>
void encode(nlohmann::json& json, const std::optional<T>& value) {
  if (value) encode(json, *value);
}
template <typename T>
void encode(nlohmann::json& json, const std::vector<T>& values) {
  json = nlohmann::json::array();
  for (const auto& value : values) encode(json.emplace_back(), value);
}
template <typename T>
void encode(nlohmann::json& json, const std::map<std::string, T>& values) {
  json = nlohmann::json::object();
  for (const auto& [key, value] : values) encode(json[key], value);
}
template <HasFields T>
void encode(nlohmann::json& json, const T& value) {
  json = nlohmann::json::object();
  FieldEncoder encoder(json);
  Fields<T>::visit(encoder, value);
}

template <Number T>
void decode(const nlohmann::json& json, T& value, Unknown /*unknown*/) {
  if (!json.is_number_integer()) throw BadParameter("");
  const auto given = json.get<std::int64_t>();
  if (!std::in_range<T>(given)) throw BadParameter("");
  value = static_cast<T>(given);
}
template <typename T>
void decode(const nlohmann::json& json, std::optional<T>& value, Unknown unknown) {
  decode(json, value.emplace(), unknown);
}
template <typename T>
void decode(const nlohmann::json& json, std::vector<T>& values, Unknown unknown) {
  if (!json.is_array()) throw BadParameter("");
  values.clear();
  for (const auto& element : json)
    FieldDecoder::within(std::to_string(values.size()),
                         [&] { decode(element, values.emplace_back(), unknown); });
}
template <typename T>
void decode(const nlohmann::json& json, std::map<std::string, T>& values, Unknown unknown) {
  if (!json.is_object()) throw BadParameter("");
  values.clear();
  for (auto entry = json.begin(); entry != json.end(); ++entry)
    FieldDecoder::within(entry.key(), [&] { decode(entry.value(), values[entry.key()], unknown); });
}
template <HasFields T>
void decode(const nlohmann::json& json, T& value, Unknown unknown) {
  FieldDecoder decoder(json, unknown);
  Fields<T>::visit(decoder, value);
  decoder.finish();
}

}  // namespace cowshed::api
