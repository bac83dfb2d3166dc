// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "dm/types.h"

namespace cowshed::dm {

/// Takes a target's parameters apart word by word. Whatever is not as expected is an Error invalid_argument
/// that names the target and the parameter, but never quotes the text: it may hold a key.
class Words {
 public:
  Words(std::string_view target, std::string_view text) : target_(target), rest_(text) { skip_blanks(); }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::string_view word(std::string_view what);
  std::uint64_t number(std::string_view what, std::uint64_t limit = UINT64_MAX);
  Sectors sectors(std::string_view what) { return {number(what)}; }
  DeviceNumber device(std::string_view what);
  /// "COUNT WORD...", or nothing at all.
  std::vector<std::string> counted_words(std::string_view what);
  void expect_end();
  [[noreturn]] void fail(std::string_view why) const;

 private:
  void skip_blanks();
  std::string_view target_;
  std::string_view rest_;
};

/// Decimal digits only; nothing where that is not so, or where the value is above `limit`.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t limit = UINT64_MAX);

}  // namespace cowshed::dm
