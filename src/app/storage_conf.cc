// SPDX-License-Identifier: Apache-2.0
#include "app/storage_conf.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/printable.h"

namespace cowshed::app {

namespace {

/// R3.2: defaults['pool_config'] in core/settings-xen-Linux.py.
constexpr const char* default_directory = "/var/lib/qubes";

struct Value {
  std::string text;
  std::size_t line;
};
struct Section {
  std::string name;
  std::size_t line;
  std::map<std::string, Value> values;
};

Error refusal(std::size_t line, std::string_view why, ErrorKind kind = ErrorKind::invalid_argument) {
  return {kind, fmt::format("line {}: {}", line, why)};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_comment(std::string_view line) { return line.empty() || line[0] == '#' || line[0] == ';'; }

/// A remark behind a value begins with a blank and a semicolon.
std::string_view without_remark(std::string_view text) {
  for (const std::string_view begin : {" ;", "\t;"}) text = text.substr(0, text.find(begin));
  return trimmed(text);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

class Parser {
 public:
  void take(std::string_view line) {
    ++number_;
    const std::string_view text = trimmed(line);
    if (is_comment(text)) return;
    for (const char c : text)
      if (c != '\t' && std::iscntrl(static_cast<unsigned char>(c)) != 0)
        throw refusal(number_, "it holds control characters");
    if (line[0] == ' ' || line[0] == '\t')
      throw refusal(number_, "it goes on with the line before; write that as one line, from the beginning");
    text[0] == '[' ? take_section(text) : take_value(text);
  }
  std::vector<Section> sections;

 private:
  void take_section(std::string_view text) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) throw refusal(number_, "']' is missing");
    if (!is_comment(trimmed(text.substr(end + 1)))) throw refusal(number_, "there is more behind ']'");
    const std::string name(text.substr(1, end - 1));
    if (name == "DEFAULT")
      throw refusal(number_, "[DEFAULT] gives values to all sections; write them into each of them");
    for (const auto& other : sections)
      if (other.name == name)
        throw refusal(number_,
                      fmt::format("section [{}] begins on line {} already", printable(name), other.line));
    sections.push_back({name, number_, {}});
  }

  void take_value(std::string_view text) {
    const auto at = text.find_first_of("=:");
    if (at == std::string_view::npos) throw refusal(number_, "it is neither [NAME] nor KEY=VALUE");
    if (sections.empty()) throw refusal(number_, "it stands before the first [NAME]");
    const std::string key = lower(trimmed(text.substr(0, at)));
    const std::string value(without_remark(text.substr(at + 1)));
    auto& values = sections.back().values;
    const auto [known, is_new] = values.emplace(key, Value{value, number_});
    if (!is_new)
      throw refusal(number_,
                    fmt::format("'{}' is set on line {} already", printable(key), known->second.line));
  }

  std::size_t number_ = 0;
};

std::vector<Section> parse(std::string_view text) {
  Parser parser;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    parser.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser.sections);
}

[[noreturn]] void refuse_class(const Section& section, const Value& value) {
  if (value.text.starts_with("qubes.storage.xen."))
    throw refusal(value.line, "class= names Qubes' own file pool: write driver=xen instead",
                  ErrorKind::not_supported);
  throw refusal(
      value.line,
      fmt::format("class= names a Python class, which cannot be loaded; 'cowshed pool add {} --plugin "
                  "FILE' adds a pool whose driver is a shared object",
                  printable(section.name)),
      ErrorKind::not_supported);
}

void check_keys(const Section& section) {
  for (const auto& [key, value] : section.values) {
    if (key == "class") refuse_class(section, value);
    if (key == "driver" || key == "dir_path") continue;
    throw refusal(value.line, fmt::format("unknown key '{}'; there are driver and dir_path{}", printable(key),
                                          key == "type" ? " (type is called driver)" : ""));
  }
}

void check_driver(const Section& section) {
  const auto driver = section.values.find("driver");
  if (driver == section.values.end())
    throw refusal(section.line, fmt::format("pool '{}' has no driver; write driver=xen", section.name));
  if (driver->second.text != "xen")
    throw refusal(driver->second.line,
                  fmt::format("there is no driver '{}': R3.2 has xen, which is the driver 'file' here",
                              printable(driver->second.text)));
}

std::string directory_of(const Section& section) {
  const auto found = section.values.find("dir_path");
  if (found == section.values.end()) {
    if (section.name == "default") return default_directory;
    throw refusal(section.line,
                  fmt::format("pool '{}' has no dir_path; only 'default' has one of its own", section.name));
  }
  if (!found->second.text.starts_with('/'))
    throw refusal(found->second.line, fmt::format("dir_path '{}' is no absolute path", found->second.text));
  return found->second.text;
}

ConfPool to_pool(const Section& section) {
  const PoolName name = [&] {
    try {
      return PoolName(section.name);
    } catch (const Error& error) {
      throw refusal(section.line, error.message());
    }
  }();
  check_keys(section);
  check_driver(section);
  return {name, {"file", std::nullopt, {{"dir_path", directory_of(section)}}}};
}

}  // namespace

std::vector<ConfPool> parse_storage_conf(std::string_view text, const Path& file) {
  return in_context([&] { return fmt::format("'{}'", file.native()); },
                    [&] {
                      std::vector<ConfPool> pools;
                      for (const auto& section : parse(text)) pools.push_back(to_pool(section));
                      if (pools.empty()) throw Error(ErrorKind::invalid_argument, "there is no pool in it");
                      return pools;
                    });
}

}  // namespace cowshed::app
