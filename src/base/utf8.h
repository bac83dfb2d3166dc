// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace cowshed {

/// Bytes of the UTF-8 character (RFC 3629) at the beginning of `text`, which is not empty; 0 where there is
/// none.
std::size_t character_length(std::string_view text);

/// Is all of it UTF-8 without a control character of either set, C0 and C1? A terminal obeys the latter as it
/// does an escape sequence: U+009B is CSI.
bool is_plain_text(std::string_view text);

}  // namespace cowshed
