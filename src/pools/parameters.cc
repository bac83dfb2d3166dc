// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/number.h"
#include "pools/pool.h"

namespace cowshed::pools {

std::string_view to_string(Parameter::Type type) {
  switch (type) {
    case Parameter::Type::path:
      return "path";
    case Parameter::Type::text:
      return "text";
    case Parameter::Type::integer:
      return "integer";
    case Parameter::Type::boolean:
      return "boolean";
  }
  return "unknown";
}

namespace {

bool is_valid(Parameter::Type type, std::string_view value) {
  switch (type) {
    case Parameter::Type::path:
      return value.starts_with('/');
    case Parameter::Type::text:
      return !value.empty();
    case Parameter::Type::integer:
      return parse_number<long>(value).has_value();
    case Parameter::Type::boolean:
      return value == "true" || value == "false";
  }
  return false;
}

std::string_view expectation(Parameter::Type type) {
  switch (type) {
    case Parameter::Type::path:
      return "an absolute path";
    case Parameter::Type::text:
      return "a text";
    case Parameter::Type::integer:
      return "a whole number";
    case Parameter::Type::boolean:
      return "true or false";
  }
  return "a value";
}

Error refusal(const Driver& driver, std::string_view parameter, std::string_view why) {
  return {ErrorKind::invalid_argument,
          fmt::format("driver '{}': parameter '{}' {}", driver.name, parameter, why)};
}

void refuse_unknown(const Driver& driver, const Parameters& given) {
  for (const auto& entry : given) {
    const std::string& name = entry.first;
    if (std::ranges::any_of(driver.parameters, [&](const Parameter& p) { return p.name == name; })) continue;
    std::vector<std::string_view> known;
    for (const Parameter& p : driver.parameters) known.push_back(p.name);
    throw refusal(driver, name, fmt::format("is unknown; it has: {}", fmt::join(known, ", ")));
  }
}

}  // namespace

Parameters check_parameters(const Driver& driver, const Parameters& given) {
  refuse_unknown(driver, given);
  Parameters result;
  for (const Parameter& parameter : driver.parameters) {
    const auto value = given.find(parameter.name);
    if (value != given.end()) {
      if (!is_valid(parameter.type, value->second))
        throw refusal(driver, parameter.name,
                      fmt::format("must be {}, not '{}'", expectation(parameter.type), value->second));
      result.insert(*value);
    } else if (!parameter.default_value.empty()) {
      result.emplace(parameter.name, parameter.default_value);
    } else if (parameter.required) {
      throw refusal(driver, parameter.name,
                    fmt::format("is missing; give it as -o {}=VALUE", parameter.name));
    }
  }
  return result;
}

}  // namespace cowshed::pools
