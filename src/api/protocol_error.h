// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"
#include "varlink/client.h"

/// An Error as the service answers it: one error of the interface for each kind.
namespace cowshed::api {

/// "io.cowshed.NotFound"
std::string protocol_error(ErrorKind kind);
/// {"message":..., "errno":..., "pointer":...}
nlohmann::json protocol_error_parameters(const Error& error);
/// What the service answered, as who asked would have seen it here.
Error error_of(const varlink::Refusal& refusal);

}  // namespace cowshed::api
