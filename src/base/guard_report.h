// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

/// What one look at a pool's space came to (docs/space.md).
namespace cowshed {

/// What is configured for a pool.
struct SpaceSettings {
  static constexpr unsigned default_warning = 90;
  /// Of the file system, in percent: from there on it is low.
  unsigned warning = default_warning;
  /// With less than this available sessions are held; not set: a sixteenth of the file system, at most 1 GiB.
  std::optional<Bytes> hold = std::nullopt;
  bool operator==(const SpaceSettings&) const = default;
};

/// Why a session is held: its guest's I/O waits, nothing fails.
enum class HoldReason {
  /// It has written what its cow_limit allows.
  cow_limit,
  /// The pool's file system is nearly full, and it grows.
  low_space,
  /// There is no space for what it would overwrite, which snapshots that run still need.
  copies,
  /// It was held already when the guard came.
  inherited,
};
/// "cow_limit", "low_space", ...
std::string_view to_string(HoldReason reason);

struct GuardEvent {
  enum class Kind {
    held,
    released,
    /// Four fifths of cow_limit are written.
    cow_nearly_full,
    /// The kernel has given up a layer.
    invalid,
    pool_low,
    /// No longer.
    pool_recovered,
    /// Something could not be asked or done; it is tried again with the next pass.
    failed,
  };
  Kind kind;
  /// Of the volume; empty where it is about the pool.
  std::string vid = {};
  /// Of held and released.
  std::optional<HoldReason> reason = std::nullopt;
  /// What the session has written (cow_limit, cow_nearly_full) or the pool has left (else), and the limit.
  Bytes now = {}, limit = {};
  /// Of failed.
  std::string message = {};
};
/// "held", "pool_low", ...
std::string_view to_string(GuardEvent::Kind kind);

struct GuardReport {
  std::vector<GuardEvent> events;
  /// Of the file system; nothing where the driver watches none.
  std::optional<Bytes> size, available;
  bool is_low = false;
  /// Sessions that are held now.
  std::size_t held = 0;
  /// At the rate of the last minute; nothing while it does not fill.
  std::optional<std::chrono::seconds> full_in;
  /// When to look again at the latest.
  std::chrono::milliseconds next{1000};
};

}  // namespace cowshed
