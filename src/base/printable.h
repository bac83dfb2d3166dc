// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cowshed {

/// What strangers named, for a message: every byte that is no printable ASCII as "\x0a".
std::string printable(std::string_view text);

}  // namespace cowshed
