// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cowshed::api {

/// The interface io.cowshed in Varlink's interface definition language, made from the table of methods.
/// docs/protocol/io.cowshed.varlink is this text.
std::string interface_description();

}  // namespace cowshed::api
