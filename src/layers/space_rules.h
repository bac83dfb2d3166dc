// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "base/guard_report.h"
#include "base/units.h"

/// When a session is held and when it goes on. Pure. The figures, and how they were chosen: docs/space.md.
namespace cowshed::layers {

/// The fastest that one disk is taken to be, and so how much may be written before the next look.
constexpr Bytes fastest_per_second = gibibytes(2);
constexpr std::chrono::milliseconds shortest_interval{100}, longest_interval{1000};

/// Of a file system, in bytes that are still free.
struct SpaceMarks {
  /// Below it sessions that grow are held, the fastest first.
  Bytes low;
  /// Below it everything is held that could grow. What is left is for what was under way, and for the next
  /// look to come.
  Bytes critical;

  /// `configured` (space_hold) is `low`; by default a sixteenth of the file system, at most 1 GiB.
  static SpaceMarks of(Bytes file_system, std::optional<Bytes> configured);
  /// What is set aside ahead of each session in place that others need copies of.
  [[nodiscard]] Bytes ahead() const;
  /// What one session may grow between two looks with so much available.
  [[nodiscard]] Bytes allowance(Bytes available) const;
};

struct Space {
  Bytes available;
  SpaceMarks marks;
};

/// Held from here on: a sixteenth of the limit before it, at most 64 MiB.
Bytes hold_point(Bytes cow_limit);
/// Worth a word.
Bytes nearly_full_point(Bytes cow_limit);

/// One session, as it was seen.
struct Session {
  /// What its cow holds.
  Bytes written;
  /// By how much it has grown since the last look.
  Bytes growth;
  std::optional<Bytes> cow_limit = std::nullopt;
  /// What is set aside ahead of it; nothing where nobody needs its copies.
  std::optional<Bytes> ahead = std::nullopt;
};

struct Hold {
  HoldReason reason;
  /// Of low_space: it was one of those that filled it.
  bool has_grown = true;
};

std::optional<Hold> why_hold(const Session& session, const Space& space);
/// Later than the hold ends, so that they do not take turns.
bool may_go_on(const Hold& hold, const Session& session, const Space& space);

/// How long it takes at least to fill so much, within the bounds above.
std::chrono::milliseconds time_to_fill(Bytes room);
/// How long nothing can happen to the file system that would have to be met.
std::chrono::milliseconds until_next_look(const Space& space);

}  // namespace cowshed::layers
