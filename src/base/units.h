// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace cowshed {

/// A length or an offset in bytes.
struct Bytes {
  std::uint64_t count = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
};

/// A length or an offset in 512-byte sectors, the unit of every block-layer interface whatever the device's
/// own block size (kernel include/linux/types.h, sector_t).
struct Sectors {
  static constexpr std::uint64_t bytes_each = 512;
  std::uint64_t count = 0;
  constexpr auto operator<=>(const Sectors&) const = default;
};

constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
constexpr Bytes operator*(Bytes a, std::uint64_t n) { return {a.count * n}; }
constexpr Sectors operator+(Sectors a, Sectors b) { return {a.count + b.count}; }

constexpr Bytes kibibytes(std::uint64_t n) { return {n << 10}; }
constexpr Bytes mebibytes(std::uint64_t n) { return {n << 20}; }
constexpr Bytes gibibytes(std::uint64_t n) { return {n << 30}; }

constexpr Bytes to_bytes(Sectors s) { return {s.count * Sectors::bytes_each}; }

/// Throws Error invalid_argument when `b` is not a whole number of sectors.
Sectors to_sectors(Bytes b);

/// "10G", "512MiB", "1.5T" is refused (whole numbers only), plain bytes. Units are powers of 1024:
/// K M G T P, alone or followed by iB. Throws Error invalid_argument.
Bytes parse_size(std::string_view text);

/// For people: "10.0 GiB", "512 B".
std::string format_size(Bytes size);

}  // namespace cowshed
