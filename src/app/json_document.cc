// SPDX-License-Identifier: Apache-2.0
#include "app/json_document.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cowshed::app {

namespace {

using nlohmann::json;

/// nlohmann's text without its "[json.exception.parse_error.101] " in front.
std::string without_code(std::string_view what) {
  const auto end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

/// Builds the document while it is parsed, and knows where the parser stands. (nlohmann's own builder does
/// not tell that a key was there before.)
class Builder : public json::json_sax_t {
 public:
  explicit Builder(const Path& file) : file_(file) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }

  bool start_object(std::size_t /*size*/) override { return enter(json::value_t::object); }
  bool start_array(std::size_t /*size*/) override { return enter(json::value_t::array); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& name) override {
    Level& object = open_.back();
    const auto [member, is_new] = object.value->get_ref<json::object_t&>().emplace(std::move(name), nullptr);
    object.key = &member->first;
    object.member = &member->second;
    if (!is_new) refuse_json(file_, pointer(), "appears twice");
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& failure) override {
    refuse_json(file_, pointer(), without_code(failure.what()));
  }

  json document() { return std::move(document_); }

 private:
  static constexpr std::size_t max_depth = 16;
  struct Level {
    json* value;
    /// Of an object: its newest key, and what is to become of its value.
    const std::string* key = nullptr;
    json* member = nullptr;
  };

  [[nodiscard]] std::string pointer() const {
    std::string result;
    for (const Level& level : open_)
      if (level.key != nullptr) result = pointer_to(result, *level.key);
    return result;
  }

  bool add(json value) {
    place(std::move(value));
    return true;
  }

  json* place(json value) {
    if (open_.empty()) return &(document_ = std::move(value));
    const Level& level = open_.back();
    if (level.value->is_array()) return &level.value->emplace_back(std::move(value));
    return &(*level.member = std::move(value));
  }

  bool enter(json::value_t type) {
    if (open_.size() == max_depth) refuse_json(file_, pointer(), "nested too deeply");
    json* const value = place(json(type));
    open_.push_back({value});
    return true;
  }

  bool leave() {
    open_.pop_back();
    return true;
  }

  const Path& file_;
  json document_;
  std::vector<Level> open_;
};

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
  Builder builder(file);
  json::sax_parse(text, &builder);
  return builder.document();
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
  const auto found = value_->find(key);
  if (found == value_->end()) return nullptr;
  asked_.push_back(&*found);
  return &*found;
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
  for (const auto& [key, value] : value_->get_ref<const json::object_t&>())
    if (std::ranges::find(asked_, &value) == asked_.end()) refuse(key, "unknown key");
}

}  // namespace cowshed::app
