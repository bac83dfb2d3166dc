// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace cowshed::pools {

/// Of one volume, since the process began.
struct WarmCounts {
  std::size_t wanted = 0, ready = 0;
  /// Starts of its snapshots that got a layer which stood ready, and that could have used one but had to make
  /// it.
  std::uint64_t hits = 0, misses = 0;
};

/// What stands ready for the snapshots of one volume, so that their start is quicker (docs/layers.md, "Warm
/// layers"). It belongs to this process, and is gone from the kernel when drop() has been called, or after
/// recovery. Outlives the Volume it came from, not the pool's DriverContext. Thread-safe.
class WarmLayers {
 public:
  WarmLayers() = default;
  virtual ~WarmLayers() = default;
  WarmLayers(const WarmLayers&) = delete;
  WarmLayers& operator=(const WarmLayers&) = delete;

  /// Makes what is missing, one at a time and at most so many, at low priority; what is no longer wanted
  /// goes. Returns how many were made; cheap when there is nothing to do. From any thread, while volumes
  /// start, stop and commit. Blocks while a commit does not let starts through. Throws Error where there is
  /// nothing to stand on (in_use, commit_pending, not_found), or the kernel or the disk refuses.
  virtual std::size_t refill(std::size_t at_most) = 0;
  /// All of them go; what cannot be removed is left to recovery (Pool::finish tells). (What changes the
  /// volume sees to them itself.)
  virtual void drop() = 0;
  [[nodiscard]] virtual WarmCounts counts() const = 0;
};

}  // namespace cowshed::pools
