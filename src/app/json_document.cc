// SPDX-License-Identifier: Apache-2.0
#include "app/json_document.h"

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cowshed::app {

namespace {

using nlohmann::json;

/// Follows the parser: where it stands, and which keys each open object already has.
class Watch {
 public:
  explicit Watch(const Path& file) : file_(file) {}

  bool operator()(json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        enter();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        open_.pop_back();
        break;
      case json::parse_event_t::key:
        key(parsed.get_ref<const std::string&>());
        break;
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

  [[nodiscard]] std::string pointer() const {
    std::string result;
    for (const auto& level : open_)
      if (level.current) result = pointer_to(result, *level.current);
    return result;
  }

 private:
  static constexpr std::size_t max_depth = 16;
  struct Level {
    std::set<std::string> keys;
    std::optional<std::string> current;
  };

  void enter() {
    if (open_.size() == max_depth) refuse_json(file_, pointer(), "nested too deeply");
    open_.emplace_back();
  }

  void key(const std::string& name) {
    open_.back().current = name;
    if (!open_.back().keys.insert(name).second) refuse_json(file_, pointer(), "appears twice");
  }

  const Path& file_;
  std::vector<Level> open_;
};

/// nlohmann's text without its "[json.exception.parse_error.101] " in front.
std::string without_code(std::string_view what) {
  const auto end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

std::string type_of(const json& value) { return value.type_name(); }

}  // namespace

void refuse_json(const Path& file, const std::string& pointer, std::string_view message) {
  const auto where = pointer.empty() ? std::string("/") : pointer;
  throw Error(ErrorKind::invalid_argument, fmt::format("'{}' at {}: {}", file.native(), where, message))
      .at(pointer);
}

std::string pointer_to(const std::string& parent, std::string_view key) {
  std::string result = parent + "/";
  for (const char c : key) {
    if (c == '~')
      result += "~0";
    else if (c == '/')
      result += "~1";
    else
      result += c;
  }
  return result;
}

json parse_json(std::string_view text, const Path& file) {
  Watch watch(file);
  try {
    return json::parse(
        text, [&](int /*depth*/, json::parse_event_t event, json& parsed) { return watch(event, parsed); });
  } catch (const json::exception& failure) {
    refuse_json(file, watch.pointer(), without_code(failure.what()));
  }
}

JsonObject::JsonObject(const json& value, std::string pointer, const Path& file)
    : value_(&value), pointer_(std::move(pointer)), file_(&file) {
  if (!value.is_object())
    refuse_json(file, pointer_, fmt::format("must be an object, not {}", type_of(value)));
}

void JsonObject::refuse(std::string_view key, std::string_view message) const {
  refuse_json(*file_, pointer(key), message);
}

const json* JsonObject::find(std::string_view key) {
  asked_.emplace(key);
  const auto found = value_->find(std::string(key));
  return found == value_->end() ? nullptr : &*found;
}

const json& JsonObject::require(std::string_view key) {
  const json* found = find(key);
  if (found == nullptr) refuse(key, "is missing");
  return *found;
}

std::string JsonObject::text(std::string_view key) {
  const json& value = require(key);
  if (!value.is_string()) refuse(key, fmt::format("must be a string, not {}", type_of(value)));
  return value.get<std::string>();
}

std::optional<std::string> JsonObject::optional_text(std::string_view key) {
  if (find(key) == nullptr) return std::nullopt;
  return text(key);
}

std::optional<std::int64_t> JsonObject::optional_integer(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) refuse(key, fmt::format("must be a whole number, not {}", value->dump()));
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    refuse(key, "is too large");
  return value->get<std::int64_t>();
}

std::optional<Bytes> JsonObject::optional_bytes(std::string_view key) {
  const auto value = optional_integer(key);
  if (!value) return std::nullopt;
  if (*value < 0) refuse(key, "must not be negative");
  return Bytes{static_cast<std::uint64_t>(*value)};
}

std::optional<bool> JsonObject::optional_boolean(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(key, fmt::format("must be true or false, not {}", type_of(*value)));
  return value->get<bool>();
}

bool JsonObject::boolean(std::string_view key, bool otherwise) {
  return optional_boolean(key).value_or(otherwise);
}

JsonObject JsonObject::object(std::string_view key) { return {require(key), pointer(key), *file_}; }

std::optional<JsonObject> JsonObject::optional_object(std::string_view key) {
  if (find(key) == nullptr) return std::nullopt;
  return object(key);
}

std::vector<std::string> JsonObject::texts(std::string_view key) {
  std::vector<std::string> result;
  const json* const list = find(key);
  if (list == nullptr) return result;
  if (!list->is_array()) refuse(key, fmt::format("must be a list of strings, not {}", type_of(*list)));
  for (const auto& value : *list) {
    if (!value.is_string()) refuse(key, fmt::format("must be a list of strings, not of {}", type_of(value)));
    result.push_back(value.get<std::string>());
  }
  return result;
}

std::string JsonObject::scalar(std::string_view key) {
  const json& value = require(key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  refuse(key, fmt::format("must be a string, a whole number or true/false, not {}", type_of(value)));
}

std::vector<std::string> JsonObject::keys() const {
  std::vector<std::string> result;
  for (const auto& [key, value] : value_->items()) result.push_back(key);
  return result;
}

void JsonObject::finish() const {
  for (const auto& key : keys())
    if (asked_.find(key) == asked_.end()) refuse(key, "unknown key");
}

}  // namespace cowshed::app
