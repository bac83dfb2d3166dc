// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cowshed::app {

/// Throws invalid_argument "'FILE' at POINTER: MESSAGE", with the pointer in the Error.
[[noreturn]] void refuse_json(const Path& file, const std::string& pointer, std::string_view message);

/// `key` appended to a JSON pointer, escaped as RFC 6901 wants it.
std::string pointer_to(const std::string& parent, std::string_view key);

/// Parses a document that somebody may have edited by hand. Beyond what JSON forbids, doubled keys and deep
/// nesting are refused. Throws invalid_argument with file and JSON pointer.
nlohmann::json parse_json(std::string_view text, const Path& file);

/// Reads one object of such a document. Every getter checks the type and throws as refuse_json does; at the
/// end finish() refuses the keys that nobody asked for. Lives no longer than the document.
class JsonObject {
 public:
  JsonObject(const nlohmann::json& value, std::string pointer, const Path& file);

  std::string text(std::string_view key);
  std::optional<std::string> optional_text(std::string_view key);
  std::optional<std::int64_t> optional_integer(std::string_view key);
  std::optional<Bytes> optional_bytes(std::string_view key);
  std::optional<bool> optional_boolean(std::string_view key);
  bool boolean(std::string_view key, bool otherwise);
  JsonObject object(std::string_view key);
  std::optional<JsonObject> optional_object(std::string_view key);
  /// A list of strings; nothing where it is not there.
  std::vector<std::string> texts(std::string_view key);
  /// A string, an integer or a boolean, as text.
  std::string scalar(std::string_view key);

  [[nodiscard]] std::vector<std::string> keys() const;
  void finish() const;

  [[nodiscard]] std::string pointer(std::string_view key) const { return pointer_to(pointer_, key); }
  [[noreturn]] void refuse(std::string_view key, std::string_view message) const;

  /// What `make` throws is told file and pointer of `key`.
  template <typename Make>
  auto checked(std::string_view key, Make make) const;

 private:
  const nlohmann::json* find(std::string_view key);
  const nlohmann::json& require(std::string_view key);

  const nlohmann::json* value_;
  std::string pointer_;
  const Path* file_;
  /// The members that were.
  std::vector<const nlohmann::json*> asked_;
};

template <typename Make>
auto JsonObject::checked(std::string_view key, Make make) const {
  std::string why;
  try {
    return make();
  } catch (const std::exception& refusal) {
    why = refusal.what();
  }
  refuse(key, why);
}

}  // namespace cowshed::app
