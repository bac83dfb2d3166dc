// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api/codec.h"
#include "api/methods.h"

namespace cowshed::test {

/// A Fields' visitor: what must be there gets a value.
struct SampleFiller {
  const std::string& text;
  void operator()(std::string_view /*name*/, std::string& value) const { value = text; }
  template <typename T>
  void operator()(std::string_view /*name*/, T& /*value*/) const {}
  template <typename T>
  void path(std::string_view /*name*/, T& value) const {
    value = "/nowhere/file";
  }
};

/// Parameters that the method takes: every text that must be there says `text`, every path is one in
/// /nowhere.
template <typename Request>
nlohmann::json sample_parameters(const std::string& text) {
  Request request;
  const SampleFiller filler{text};
  api::Fields<Request>::visit(filler, request);
  nlohmann::json parameters;
  api::encode(parameters, request);
  return parameters;
}

}  // namespace cowshed::test
