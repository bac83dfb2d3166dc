// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "base/file_system.h"
#include "base/forecast.h"
#include "base/guard_report.h"
#include "layers/host.h"
#include "layers/inventory.h"
#include "layers/space_rules.h"
#include "layers/watch_list.h"

namespace cowshed::layers {

/// Watches the sessions of one pool, and holds those that would run out of space, before they do
/// (docs/space.md).
///
/// What it remembers from pass to pass is for rates and reasons; what runs, and what is held, it asks the
/// kernel each time. So nothing is lost when it dies: whoever comes next finds the held devices suspended.
///
/// A pass asks once for all devices and once for the file system; beyond that only for sessions that could
/// come to something: with a cow_limit, in place under snapshots, held, told of by the kernel, or all where
/// the file system is not far from full. The others cost nothing but their line in the list.
class SpaceGuard {
 public:
  /// `directory`: on the file system that is watched; `uuid_prefix`: of the pool's devices.
  SpaceGuard(Host& host, std::string uuid_prefix, Path directory);

  WatchList& volumes() { return volumes_; }

  /// Sessions that are suspended now are somebody's no more: from here on they are ours. Called before the
  /// first pass, while nothing else works on the pool's volumes.
  void inherit();
  /// One look, and what follows from it. Beside all other work on the pool; one thread at a time. What fails
  /// is in the report, and is tried again.
  GuardReport pass(const SpaceSettings& settings);

 private:
  class Pass;

  Host& host_;
  std::string uuid_prefix_;
  Path directory_;
  WatchList volumes_;

  /// By UUID, as all below; nothing is in them whose device is gone.
  std::map<std::string, Hold> held_;
  std::map<std::string, Bytes> sizes_;
  std::unordered_map<std::string, std::uint32_t> events_;
  /// Up to where the store of a session in place is reserved.
  std::map<std::string, Bytes> reserved_;
  /// On which view a snapshot stands: that never changes.
  std::map<std::string, dm::DeviceNumber> stands_on_;
  std::set<std::string> nearly_full_, invalid_;
  bool is_low_ = false;
  Forecast forecast_;
  /// Holding waits for grace periods and for what is under way, one beside the other.
  Workers workers_{8};
};

}  // namespace cowshed::layers
