// SPDX-License-Identifier: Apache-2.0
#include "api/description.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <type_traits>
#include <vector>

#include "api/methods.h"
#include "api/protocol_error.h"

namespace cowshed::api {

namespace {

template <typename T>
constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

/// Types by name, as they are met.
class Types {
 public:
  std::string name(const std::string& /*of*/) { return "string"; }
  std::string name(const bool& /*of*/) { return "bool"; }
  std::string name(const Bytes& /*of*/) { return "int"; }
  std::string name(const std::chrono::system_clock::time_point& /*of*/) { return "string"; }
  std::string name(const Error& /*of*/) { return "Error"; }
  std::string name(const Health& /*of*/) { return "string"; }
  template <typename T>
  requires is_integer<T> std::string name(const T& /*of*/) { return "int"; }
  template <typename T>
  std::string name(const std::optional<T>& /*of*/) {
    return "?" + name_of<T>();
  }
  template <typename T>
  std::string name(const std::vector<T>& /*of*/) {
    return "[]" + name_of<T>();
  }
  template <typename T>
  std::string name(const std::map<std::string, T>& /*of*/) {
    return "[string]" + name_of<T>();
  }
  template <HasFields T>
  std::string name(const T& of);

  [[nodiscard]] const std::map<std::string, std::string>& bodies() const { return bodies_; }

 private:
  template <typename T>
  std::string name_of() {
    if constexpr (std::is_same_v<T, Error>)
      return "Error";
    else
      return name(T{});
  }

  std::map<std::string, std::string> bodies_;
};

/// "(name: type, ...)" of what is visited.
class Signature {
 public:
  /// In a request what has a value of its own when it is missing may be missing.
  enum class Of { request, answer };

  Signature(Types& types, Of of) : types_(types), of_(of) {}

  template <typename T>
  void operator()(std::string_view name, const T& value) {
    add(name, types_.name(value));
  }
  template <typename T>
  void path(std::string_view name, const T& value) {
    (*this)(name, value);
  }

  void add(std::string_view name, const std::string& type) {
    const bool may_be_missing = of_ == Of::request && type != "string" && !type.starts_with('?');
    fields_.push_back(fmt::format("{}: {}{}", name, may_be_missing ? "?" : "", type));
  }

  [[nodiscard]] std::string text() const { return fmt::format("({})", fmt::join(fields_, ", ")); }
  [[nodiscard]] std::string lines() const {
    return fields_.empty() ? "()" : fmt::format("(\n  {}\n)", fmt::join(fields_, ",\n  "));
  }

 private:
  Types& types_;
  Of of_;
  std::vector<std::string> fields_;
};

template <HasFields T>
std::string Types::name(const T& of) {
  std::string name(Fields<T>::name);
  if (bodies_.emplace(name, "").second) {
    Signature body(*this, Signature::Of::answer);
    Fields<T>::visit(body, of);
    bodies_[name] = body.lines();
  }
  return name;
}

template <typename Request>
std::string reply(Types& types, const Method<Request>& method) {
  Signature signature(types, Signature::Of::answer);
  if constexpr (TellsProgress<Request>) signature.add("progress", types.name(std::optional<Progress>()));
  if constexpr (!std::is_same_v<typename Request::Answer, Nothing>) {
    auto type = types.name(typename Request::Answer{});
    // Not there as long as progress is told.
    if ((TellsProgress<Request> || is_stream<Request>)&&!type.starts_with('?')) type.insert(0, "?");
    signature.add(method.answer, type);
  }
  return signature.text();
}

template <typename Request>
std::string describe(Types& types, const Method<Request>& method) {
  Signature parameters(types, Signature::Of::request);
  const Request request{};
  Fields<Request>::visit(parameters, request);
  return fmt::format("# {}{}\nmethod {}{} -> {}\n", method.help,
                     TellsProgress<Request> ? " With 'more' it tells how far it is." : "", method.name,
                     parameters.text(), reply(types, method));
}

std::string error_name(ErrorKind kind) {
  const auto full = protocol_error(kind);
  return full.substr(interface_name.size() + 1);
}

}  // namespace

std::string interface_description() {
  Types types;
  std::string texts;
  for_each_method([&](const auto& method) { texts += "\n" + describe(types, method); });
  std::string text = fmt::format(
      "# Gives virtual machines their disks. Paths are absolute, and those of the service's host; sizes are "
      "bytes;\n"
      "# times are UTC, 2026-01-31T12:00:00Z. What is not known is left out. docs/json.md explains the parts "
      "of\n"
      "# answers, docs/service.md the rest.\n"
      "interface {}\n",
      interface_name);
  text += "\ntype Error (kind: string, message: string, errno: ?int, pointer: ?string)\n";
  for (const auto& [name, body] : types.bodies()) text += fmt::format("\ntype {} {}\n", name, body);
  text += texts + "\n";
  for (const ErrorKind kind : error_kinds())
    text += fmt::format("error {} (message: string, errno: ?int, pointer: ?string)\n", error_name(kind));
  return text;
}

}  // namespace cowshed::api
