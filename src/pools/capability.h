// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace cowshed::pools {

/// What drivers differ in. What a driver declares it does as docs/drivers.md promises it; all else it refuses
/// with not_supported. The conformance suite holds every driver to both.
enum class Capability {
  volatile_volumes,
  origin_volumes,
  snapshot_volumes,
  origin_snapshot_volumes,
  /// Volumes that the guest may write.
  writable_volumes,
  /// revisions_to_keep 1.
  one_revision,
  /// revisions_to_keep > 1.
  many_revisions,
  /// revisions_to_keep -1.
  snapshots_off,
  /// write_policy in-place: what a session wrote outlives a power loss uncommitted.
  in_place,
  /// write_policy overlay: likewise, and the session can be discarded.
  overlay,
  keep_changes,
  /// cow_limit, while somebody calls Pool::guard().
  cow_limit,
  ephemeral,
  /// Layers that stand ready for the snapshots of an origin volume.
  warm,
  export_,
  import,
  grow,
  /// Of a volume that runs.
  grow_running,
  shrink,
};

std::span<const Capability> all_capabilities();
/// "origin-snapshot-volumes"
std::string_view to_string(Capability capability);

}  // namespace cowshed::pools
