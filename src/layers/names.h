// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/ids.h"
#include "dm/types.h"

/// Every name of a device that cowshed makes, in one place.
///
///   UUID  COWSHED-<pool key>-<volume>-<role>-<number>      how a device is found
///   name  cowshed:<pool>:<volume>:<role>@<pool key>        for people
///   name  COWSHED-warm-<pool key>-<volume>-<number>        a warm layer (layers/warm.h), which has no UUID
///   yet;
///                                                          volume: its source; number: its cow's loop device
///
/// <pool key> is made of the pool directory's device and inode, so two installations on one host never meet.
/// <volume> is the vid with ':' for '/', shortened by a hash where it is long.
namespace cowshed::layers {

enum class Role {
  /// L: a frozen view of a base; number: the generation.
  view,
  /// O: an in-place session; number: the generation it writes.
  origin,
  /// G: an overlay session; number: the generation it stands on.
  overlay,
  /// S: a snapshot volume's own layer; number: its cow's loop device.
  snapshot,
  /// A file handed out as it is: volatile volumes, volumes with snapshots off, kernels; number: its loop
  /// device.
  plain,
  /// An ephemeral volume: what its guest gets. It stands on the two below; number, of all three: the loop
  /// device.
  ephemeral,
  /// The encrypted device that holds what the guest writes.
  crypt,
  /// What the guest reads where it has not written.
  zero,
};
std::string_view to_string(Role role);

/// Devices of one volume stand on those of a lower tier, and views on each other.
enum class Tier { view, support, guest };
Tier tier_of(Role role);

/// Names the devices of one volume.
class VolumeKey {
 public:
  /// `pool_directory` identifies the pool.
  VolumeKey(FileId pool_directory, const PoolName& pool, const Vid& vid);

  [[nodiscard]] dm::DmUuid uuid(Role role, std::uint64_t number) const;
  [[nodiscard]] dm::DmName name(Role role, std::uint64_t number) const;
  /// Of a view whose image was replaced by another.
  [[nodiscard]] dm::DmName retired_view_name(std::uint64_t number) const;
  /// Of a warm layer on a view of this volume; `loop`: its cow's.
  [[nodiscard]] dm::DmName warm_name(int loop) const;
  /// What the UUIDs of all devices of this volume begin with. Others may begin with it too: compare
  /// OurDevice::volume.
  [[nodiscard]] std::string uuid_prefix() const;
  /// <volume> as it stands in the UUID.
  [[nodiscard]] const std::string& volume() const { return volume_; }

 private:
  [[nodiscard]] dm::DmName name_ending_in(const std::string& ending) const;

  std::string pool_key_;
  std::string pool_;
  std::string volume_;
};

/// By which a pool is told from others. Throws not_found where it is missing.
FileId id_of_directory(const Path& directory);

/// What the UUIDs of all devices of a pool begin with.
std::string pool_uuid_prefix(FileId pool_directory);

/// The name of a throw-away layer whose stop was answered and which is on its way out: no longer to be found
/// by people, and its volume's name is free for the next start.
dm::DmName gone_name(dm::DeviceNumber number);
bool is_gone_name(std::string_view name);

/// What the names of all warm layers of a pool begin with.
std::string warm_name_prefix(FileId pool_directory);
/// Of any pool.
bool is_warm_name(std::string_view name);

/// A UUID of ours taken apart.
struct ParsedUuid {
  std::string volume;
  Role role;
  std::uint64_t number;
};
std::optional<ParsedUuid> parse_uuid(std::string_view uuid);
/// "vm-templates/debian/root", for messages.
std::string vid_text(std::string_view volume);

}  // namespace cowshed::layers
