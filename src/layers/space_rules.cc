// SPDX-License-Identifier: Apache-2.0
#include "layers/space_rules.h"

#include <algorithm>

namespace cowshed::layers {

namespace {

Bytes part(Bytes whole, std::uint64_t of) { return {whole.count / of}; }

bool is_short_of_copies(const Session& session, const SpaceMarks& marks) {
  return session.ahead && *session.ahead < part(marks.ahead(), 2);
}

bool is_at_limit(const Session& session) {
  return session.cow_limit && session.written >= hold_point(*session.cow_limit);
}

/// Free again.
Bytes enough_for(const Hold& hold, const SpaceMarks& marks) {
  if (hold.reason == HoldReason::inherited) return marks.low + part(marks.low, 4);
  if (hold.reason == HoldReason::low_space && hold.has_grown) return marks.low + part(marks.low, 4);
  return marks.critical * 2;
}

}  // namespace

SpaceMarks SpaceMarks::of(Bytes file_system, std::optional<Bytes> configured) {
  const Bytes low = configured.value_or(std::min(part(file_system, 16), gibibytes(1)));
  return {low, part(low, 4)};
}

Bytes SpaceMarks::ahead() const { return part(low, 8); }

Bytes SpaceMarks::allowance(Bytes available) const {
  if (available <= critical) return {};
  if (available >= low) return {~std::uint64_t{0}};
  const double share = static_cast<double>((available - critical).count) /
                       static_cast<double>(std::max<std::uint64_t>((low - critical).count, 1));
  return {static_cast<std::uint64_t>(share * static_cast<double>(part(low, 64).count))};
}

Bytes hold_point(Bytes cow_limit) { return cow_limit - std::min(part(cow_limit, 16), mebibytes(64)); }

Bytes nearly_full_point(Bytes cow_limit) { return part(cow_limit, 5) * 4; }

std::optional<Hold> why_hold(const Session& session, const Space& space) {
  if (is_at_limit(session)) return Hold{HoldReason::cow_limit};
  if (is_short_of_copies(session, space.marks)) return Hold{HoldReason::copies};
  const bool has_grown = session.growth > space.marks.allowance(space.available);
  if (has_grown || space.available < space.marks.critical) return Hold{HoldReason::low_space, has_grown};
  return std::nullopt;
}

bool may_go_on(const Hold& hold, const Session& session, const Space& space) {
  if (is_at_limit(session) || is_short_of_copies(session, space.marks)) return false;
  return space.available >= enough_for(hold, space.marks);
}

std::chrono::milliseconds time_to_fill(Bytes room) {
  const std::chrono::milliseconds time(room.count / (fastest_per_second.count / 1000));
  return std::clamp(time, shortest_interval, longest_interval);
}

std::chrono::milliseconds until_next_look(const Space& space) {
  const auto& [available, marks] = space;
  return time_to_fill(available > marks.low ? available - marks.low : Bytes{});
}

}  // namespace cowshed::layers
