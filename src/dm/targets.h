// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "base/units.h"
#include "dm/types.h"

/// Device-mapper targets as types. Each has
///   static constexpr std::string_view type   the kernel's target name
///   std::string params() const               what TABLE_LOAD takes (of Crypt: SecretText)
///   static T parse(std::string_view)         what TABLE_STATUS with STATUS_TABLE prints; Error
///   invalid_argument on
///                                            anything else (text from the kernel is not trusted)
/// and the two round-trip. Sources: kernel Documentation/admin-guide/device-mapper/*.rst and
/// drivers/md/dm-*.c. Devices are given by number: a number cannot be taken over by another device while a
/// table holds it.
namespace cowshed::dm {

/// linear.rst
struct Linear {
  static constexpr std::string_view type = "linear";
  DeviceNumber device;
  Sectors offset;
  [[nodiscard]] std::string params() const;
  static Linear parse(std::string_view text);
  bool operator==(const Linear&) const = default;
};

/// zero.rst: reads as zeros, writes vanish.
struct Zero {
  static constexpr std::string_view type = "zero";
  [[nodiscard]] std::string params() const { return {}; }
  static Zero parse(std::string_view text);
  bool operator==(const Zero&) const = default;
};

/// Every access fails with EIO. Named so because `Error` is the exception.
struct ErrorTarget {
  static constexpr std::string_view type = "error";
  [[nodiscard]] std::string params() const { return {}; }
  static ErrorTarget parse(std::string_view text);
  bool operator==(const ErrorTarget&) const = default;
};

/// Exception store of a snapshot (snapshot.rst): N transient (metadata in memory), P persistent, PO
/// persistent and reporting overflow instead of invalidating.
enum class ExceptionStore { transient, persistent, persistent_overflow };

struct Snapshot {
  static constexpr std::string_view type = "snapshot";
  DeviceNumber origin;
  DeviceNumber cow;
  ExceptionStore store = ExceptionStore::transient;
  /// Sectors, a power of two.
  Sectors chunk_size;
  bool discard_zeroes_cow = false;
  bool discard_passdown_origin = false;
  [[nodiscard]] std::string params() const;
  static Snapshot parse(std::string_view text);
  bool operator==(const Snapshot&) const = default;
};

/// The origin's writes are copied out to its snapshots first (snapshot.rst).
struct SnapshotOrigin {
  static constexpr std::string_view type = "snapshot-origin";
  DeviceNumber origin;
  [[nodiscard]] std::string params() const;
  static SnapshotOrigin parse(std::string_view text);
  bool operator==(const SnapshotOrigin&) const = default;
};

/// Merges a persistent cow back into its origin (snapshot.rst). Same arguments as Snapshot.
struct SnapshotMerge {
  static constexpr std::string_view type = "snapshot-merge";
  DeviceNumber origin;
  DeviceNumber cow;
  ExceptionStore store = ExceptionStore::persistent;
  Sectors chunk_size;
  [[nodiscard]] std::string params() const;
  static SnapshotMerge parse(std::string_view text);
  bool operator==(const SnapshotMerge&) const = default;
};

/// dm-crypt.rst. `key` is hexadecimal, "-" for none, or ":SIZE:TYPE:DESCRIPTION" for a key of the kernel's
/// keyring. The kernel prints a hexadecimal key back to whoever may ask for the table (drivers/md/dm-crypt.c,
/// crypt_status); only a keyring reference keeps it secret.
struct Crypt {
  static constexpr std::string_view type = "crypt";
  std::string cipher;
  SecretText key;
  std::uint64_t iv_offset = 0;
  DeviceNumber device;
  Sectors offset;
  std::vector<std::string> features;
  [[nodiscard]] SecretText params() const;
  static Crypt parse(std::string_view text);
  bool operator==(const Crypt&) const = default;
};

/// thin-provisioning.rst. The kernel prints features in an order of its own: skip_block_zeroing,
/// ignore_discard, no_discard_passdown, read_only, error_if_no_space.
struct ThinPool {
  static constexpr std::string_view type = "thin-pool";
  DeviceNumber metadata;
  DeviceNumber data;
  Sectors block_size;
  std::uint64_t low_water_mark_blocks = 0;
  std::vector<std::string> features;
  [[nodiscard]] std::string params() const;
  static ThinPool parse(std::string_view text);
  bool operator==(const ThinPool&) const = default;
};

/// thin-provisioning.rst
struct Thin {
  static constexpr std::string_view type = "thin";
  DeviceNumber pool;
  std::uint32_t device_id = 0;
  std::optional<DeviceNumber> external_origin;
  [[nodiscard]] std::string params() const;
  static Thin parse(std::string_view text);
  bool operator==(const Thin&) const = default;
};

using Target =
    std::variant<Linear, Zero, ErrorTarget, Snapshot, SnapshotOrigin, SnapshotMerge, Crypt, ThinPool, Thin>;

std::string_view type_of(const Target& target);
SecretText params_of(const Target& target);
/// Throws Error not_supported for a target type not listed above, invalid_argument for bad parameters.
Target parse_target(std::string_view type, std::string_view params);

/// What TABLE_STATUS prints of a snapshot or snapshot-merge (snapshot.rst, "dmsetup status").
struct SnapshotStatus {
  enum class State { active, invalid, overflow, merge_failed, unknown };
  State state = State::active;
  /// All three are meaningful in state active only.
  Sectors allocated;
  Sectors total;
  /// Part of `allocated` that is metadata; a fresh persistent store is metadata alone. 0 for a transient
  /// store.
  Sectors metadata;
  static SnapshotStatus parse(std::string_view text);
  bool operator==(const SnapshotStatus&) const = default;
};

/// One line of a table.
struct TableLine {
  Sectors start;
  Sectors length;
  Target target;
  bool operator==(const TableLine&) const = default;
};
using Table = std::vector<TableLine>;

/// For messages: as the kernel's tables are written, lines separated by "; ", with a hexadecimal key left
/// out.
std::string describe(const TableLine& line);
std::string describe(const Table& table);

/// The usual table: one target over the whole device.
inline Table whole_device(Sectors length, Target target) { return {{Sectors{0}, length, std::move(target)}}; }

}  // namespace cowshed::dm
