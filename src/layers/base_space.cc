// SPDX-License-Identifier: Apache-2.0
// Base: that a full file system invalidates no view on which others stand (docs/space.md).
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file_system.h"
#include "base/log.h"
#include "layers/base.h"
#include "layers/reserve.h"

namespace cowshed::layers {

namespace {

/// All of it, or nothing: half of it would only take others' space.
bool reserve_all(const Path& store) {
  const FileStat stat = stat_if_exists(store).value();
  const Bytes missing = stat.size - std::min(stat.size, stat.allocated);
  if (file_system_of(store).available < missing) return false;
  return reserve(store, Bytes{0}, stat.size);
}

}  // namespace

bool Base::has_readers(const Stack& stack) {
  const auto view = committed_view_in(stack);
  const auto info = view ? control().info(view->uuid) : std::nullopt;
  return info && info->open_count > 0;
}

void Base::reserve_copies_if_unwatched() {
  if (host_.is_guarded() || !path_exists(files_.cow())) return;
  constexpr std::string_view ways_out =
      "start the service, which watches it (cowshed serve), or set write_policy to overlay";
  try {
    if (reserve_all(files_.cow())) return;
  } catch (Error& error) {
    if (error.kind() != ErrorKind::not_supported) throw;
    throw Error(error.kind(), fmt::format("{}; {}", error.message(), ways_out), error.error_number());
  }
  throw Error(
      ErrorKind::no_space,
      fmt::format(
          "snapshots stand on the state that a session of '{}' overwrites, and there is no space to keep "
          "all of that for them ({}): free some, or {}: {}",
          vid_text(key_.volume()), format_size(stat_if_exists(files_.cow()).value().size), ways_out,
          ::strerrordesc_np(ENOSPC)),
      ENOSPC);
}

bool Base::secure_session() {
  const auto guard = lock();
  const Stack stack = views_.read();
  if (!stack.in_place || host_.is_guarded()) return true;
  if (!has_readers(stack) || !path_exists(files_.cow()) || reserve_all(files_.cow())) return true;
  const dm::DmUuid& session = stack.in_place->uuid;
  if (const auto info = control().info(session); info && !info->suspended)
    suspend_session(control(), session);
  return false;
}

void Base::give_back_reserve(const Stack& stack) {
  try {
    const auto view = views_.on_cow(stack, files_.cow());
    if (!view) return;
    const auto status = dm::SnapshotStatus::parse(control().status(view->uuid).at(0).params);
    // With an area that the kernel may have begun.
    if (status.state == dm::SnapshotStatus::State::active)
      give_back(files_.cow(), to_bytes(status.allocated) + mebibytes(1));
  } catch (const Error& error) {
    // It only takes more than it needs, until it goes.
    log_warning(
        fmt::format("'{}' keeps what was reserved in it: {}", files_.cow().native(), error.message()));
  }
}

}  // namespace cowshed::layers
