// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "dm/types.h"

namespace cowshed::layers {

/// A complete upper layer that is nobody's yet: a transient snapshot with a cow of its own, which only lacks
/// the UUID and the name of the volume that is to get it.
struct WarmLayer {
  dm::DmName name;
  dm::DeviceNumber device;
  /// Its cow's loop device.
  int loop = -1;
  /// On which it stands.
  dm::DeviceNumber view;
  Sectors length;
};

/// The warm layers of one base that this process keeps. It only keeps account of them: who makes, hands out
/// and removes them (layers/warm.h) holds the base's lock, shared for the first two, exclusively for the
/// last where they are good still. Thread-safe; blocks for nothing.
class WarmStock {
 public:
  /// One on that view, for whoever takes it alone; nothing where none is ready. Counts a hit or a miss.
  std::optional<WarmLayer> take(dm::DeviceNumber view, Sectors length);
  /// What take() has given could not be handed out: it was a miss after all.
  void count_failure();

  /// How many more are wanted.
  [[nodiscard]] std::size_t missing(std::size_t wanted) const;
  [[nodiscard]] std::size_t ready() const;
  /// Ready, or to be removed.
  [[nodiscard]] bool has_anything() const;
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  /// It, or one that is being made or removed, has that name.
  [[nodiscard]] bool owns(std::string_view name) const;

  /// A layer of that name is being made until it is added or given up.
  void announce(const dm::DmName& name);
  void add(WarmLayer layer);
  void give_up(const dm::DmName& name);

  // What is no longer wanted: they are handed out no more, and kept account of until they are removed().
  void condemn_all();
  /// Those that take() would not give.
  void condemn_others_than(dm::DeviceNumber view, Sectors length);
  /// All but so many.
  void condemn_surplus(std::size_t wanted);
  /// Of which removed() has not been told; also those of earlier calls whose removal has failed.
  [[nodiscard]] std::vector<dm::DmName> condemned() const;
  void condemn(const dm::DmName& name);
  void removed(const dm::DmName& name);

  /// One at a time builds.
  std::mutex& building() { return building_; }

 private:
  template <typename Predicate>
  void condemn_if(Predicate predicate);

  mutable std::mutex mutex_;
  std::mutex building_;
  std::vector<WarmLayer> ready_;
  std::vector<dm::DmName> announced_, condemned_;
  std::atomic<std::uint64_t> hits_ = 0, misses_ = 0;
};

}  // namespace cowshed::layers
