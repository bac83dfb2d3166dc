// SPDX-License-Identifier: Apache-2.0
#include "dm/types.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/number.h"

namespace cowshed::dm {

namespace {

// include/linux/kdev_t.h: MINORBITS is 20, which leaves 12 bits of a dev_t to the major number.
constexpr std::uint32_t max_major = 0xfff;
constexpr std::uint32_t max_minor = 0xfffff;

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{} '{}' {}", what, text, why));
}

std::uint32_t parse_part(std::string_view part, std::uint32_t limit, std::string_view whole) {
  const auto value = parse_number<std::uint32_t>(part);
  if (!value || *value > limit) refuse("device number", whole, "is not MAJOR:MINOR");
  return *value;
}

bool is_control_or_blank(char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }
bool is_visible_ascii(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

DeviceNumber DeviceNumber::from_wire(std::uint64_t dev) {
  return {.major = static_cast<std::uint32_t>((dev >> 8) & 0xfff),
          .minor = static_cast<std::uint32_t>((dev & 0xff) | ((dev >> 12) & 0xfff00))};
}

std::uint64_t DeviceNumber::to_wire() const {
  // Bits that do not fit would address somebody else's device.
  if (major > max_major || minor > max_minor) refuse("device number", str(), "does not fit a dev_t");
  return (minor & 0xff) | (std::uint64_t{major} << 8) | ((std::uint64_t{minor} & ~0xffull) << 12);
}

std::string DeviceNumber::str() const { return fmt::format("{}:{}", major, minor); }

DeviceNumber DeviceNumber::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) refuse("device number", text, "is not MAJOR:MINOR");
  return {.major = parse_part(text.substr(0, colon), max_major, text),
          .minor = parse_part(text.substr(colon + 1), max_minor, text)};
}

DmName::DmName(std::string text) : text_(std::move(text)) {
  if (text_.empty() || text_.size() > max_length)
    refuse("device-mapper name", text_, fmt::format("is not 1 to {} bytes long", max_length));
  if (text_.find('/') != std::string::npos || std::ranges::any_of(text_, is_control_or_blank))
    refuse("device-mapper name", text_, "contains a '/', a blank or a control character");
  // drivers/md/dm-ioctl.c, check_name(): they would clash in /dev/mapper.
  if (text_ == "control" || text_ == "." || text_ == "..") refuse("device-mapper name", text_, "is reserved");
}

DmUuid::DmUuid(std::string text) : text_(std::move(text)) {
  if (text_.empty() || text_.size() > max_length)
    refuse("device-mapper UUID", text_, fmt::format("is not 1 to {} bytes long", max_length));
  if (!std::ranges::all_of(text_, is_visible_ascii))
    refuse("device-mapper UUID", text_, "contains something else than visible ASCII");
}

}  // namespace cowshed::dm
