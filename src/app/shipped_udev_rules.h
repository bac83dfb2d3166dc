// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cowshed::app {

/// udev/05-cowshed.rules as of this program's source.
std::string_view shipped_udev_rules();

}  // namespace cowshed::app
