// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace cowshed::io {

/// All bytes are 0; so is nothing at all.
bool is_zero(std::span<const std::byte> data);

}  // namespace cowshed::io
