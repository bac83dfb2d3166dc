// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace cowshed::dm {

/// A device number. Prints and parses as "MAJOR:MINOR", the form every target accepts for a device.
struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  auto operator<=>(const DeviceNumber&) const = default;

  /// The kernel's 64-bit wire form (huge_encode_dev, include/linux/kdev_t.h), as dm-ioctl's `dev` holds it.
  static DeviceNumber from_wire(std::uint64_t dev);
  [[nodiscard]] std::uint64_t to_wire() const;
  [[nodiscard]] std::string str() const;
  /// "254:3" only; throws Error invalid_argument.
  static DeviceNumber parse(std::string_view text);
};

/// A device-mapper name: 1..127 bytes, no '/', no control characters or blanks. For people; devices are found
/// by their UUID.
class DmName {
 public:
  static constexpr std::size_t max_length = 127;  // DM_NAME_LEN - 1, include/uapi/linux/dm-ioctl.h
  /// Throws Error invalid_argument.
  explicit DmName(std::string text);
  [[nodiscard]] const std::string& str() const { return text_; }
  auto operator<=>(const DmName&) const = default;

 private:
  std::string text_;
};

/// A device-mapper UUID: 1..128 bytes of printable ASCII without blanks.
class DmUuid {
 public:
  static constexpr std::size_t max_length = 128;  // DM_UUID_LEN - 1
  /// Throws Error invalid_argument.
  explicit DmUuid(std::string text);
  [[nodiscard]] const std::string& str() const { return text_; }
  auto operator<=>(const DmUuid&) const = default;

 private:
  std::string text_;
};

}  // namespace cowshed::dm
