// SPDX-License-Identifier: Apache-2.0
#include "app/lvm_filter.h"

#include <fmt/core.h>
#include <regex.h>

#include <cctype>
#include <charconv>

#include "base/error.h"

namespace cowshed::app {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Comments go from '#' to the end of the line, but not in a string.
std::string without_comments(std::string_view text) {
  std::string result;
  bool in_string = false, in_comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') in_comment = false;
    if (!in_comment && c == '"' && (i == 0 || text[i - 1] != '\\')) in_string = !in_string;
    if (c == '#' && !in_string) in_comment = true;
    if (!in_comment) result += c;
  }
  return result;
}

/// What follows "KEY =" where that stands last; the section before it ("devices/KEY") is let pass.
std::optional<std::string> value_of(std::string_view config, std::string_view key) {
  const std::string text = without_comments(config);
  std::optional<std::string> value;
  for (std::size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += key.size()) {
    if (at > 0 && is_word(text[at - 1])) continue;
    const auto equals = text.find_first_not_of(" \t", at + key.size());
    if (equals == std::string::npos || text[equals] != '=') continue;
    const auto begin = text.find_first_not_of(" \t\n", equals + 1);
    value = begin == std::string::npos ? "" : text.substr(begin);
  }
  return value;
}

/// The string that begins at `at`, a quote; `at` is behind it then.
std::string string_at(const std::string& text, std::size_t& at) {
  std::string result;
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\')) ++at;
    result += text[at];
  }
  ++at;
  return result;
}

bool matches(const std::string& regex, const std::string& text) {
  regex_t compiled{};
  if (::regcomp(&compiled, regex.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    throw Error(ErrorKind::invalid_argument, fmt::format("'{}' in lvm.conf is no regular expression", regex));
  const bool result = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return result;
}

struct Pattern {
  bool accepts;
  std::string regex;
};

/// "a|REGEX|", with any delimiter, of which brackets come in pairs.
Pattern parse(const std::string& text) {
  const bool has_verb = text.size() >= 3 && (text[0] == 'a' || text[0] == 'r');
  constexpr std::string_view opening = "([{", closing = ")]}";
  const auto bracket = has_verb ? opening.find(text[1]) : std::string_view::npos;
  const char delimiter = bracket != std::string_view::npos ? closing[bracket] : has_verb ? text[1] : '\0';
  const auto end = has_verb ? text.rfind(delimiter) : 0;
  if (!has_verb || end < 2 || end == std::string::npos)
    throw Error(ErrorKind::invalid_argument, fmt::format("'{}' in lvm.conf is no pattern of a filter", text));
  return {text[0] == 'a', text.substr(2, end - 2)};
}

}  // namespace

std::optional<std::vector<std::string>> lvm_strings(std::string_view config, std::string_view key) {
  const auto value = value_of(config, key);
  if (!value) return std::nullopt;
  const bool is_list = value->starts_with('[');
  std::vector<std::string> result;
  for (std::size_t at = is_list ? 1 : 0; at < value->size() && (*value)[at] != ']';) {
    if ((*value)[at] != '"') {
      ++at;
      continue;
    }
    result.push_back(string_at(*value, at));
    if (!is_list) break;
  }
  return result;
}

std::optional<long> lvm_number(std::string_view config, std::string_view key) {
  const auto value = value_of(config, key);
  long number = 0;
  if (!value || std::from_chars(value->data(), value->data() + value->size(), number).ec != std::errc{})
    return std::nullopt;
  return number;
}

bool lvm_accepts(const std::vector<std::string>& filter, const std::string& device) {
  for (const auto& text : filter) {
    const auto pattern = parse(text);
    if (matches(pattern.regex, device)) return pattern.accepts;
  }
  return true;
}

}  // namespace cowshed::app
