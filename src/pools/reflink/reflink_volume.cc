// SPDX-License-Identifier: Apache-2.0
// ReflinkVolume: create, start and stop. (Questions: reflink_questions.cc; what changes or hands out its
// content as a whole: reflink_transfers.cc.)
#include "pools/reflink/reflink_volume.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/plain.h"
#include "layers/teardown.h"
#include "pools/images/fill.h"
#include "pools/reflink/exported_file.h"

namespace cowshed::pools::reflink {

ReflinkVolume::ReflinkVolume(ReflinkPool& pool, VolumeProperties properties, SourceResolver source)
    : ImageVolume(pool, std::move(properties), std::move(source)) {}

void ReflinkVolume::create_now(const CreateOptions& options, const Export* content) {
  images::create_image(files().clean, properties().size, options, content);
}

bool ReflinkVolume::is_direct() const {
  const auto file = files();
  return kind() == VolumeKind::origin && path_exists(file.dirty) && !path_exists(file.clean);
}

bool ReflinkVolume::holds_changes() const { return saves() && (was_written(files().dirty) || is_direct()); }

Path ReflinkVolume::committed_image() {
  const auto file = files();
  if (is_direct() && is_running())
    throw Error(ErrorKind::in_use, fmt::format("'{}' runs with snapshots off", properties().vid.str()));
  if (is_direct())
    throw Error(
        ErrorKind::dirty,
        fmt::format("'{}' holds what a session with snapshots off that was cut off has written; start "
                    "and stop it first",
                    properties().vid.str()));
  static_cast<void>(layers::image_size(file.clean));
  return file.clean;
}

std::span<const layers::Role> ReflinkVolume::guest_roles() const {
  static constexpr std::array roles{layers::Role::plain, layers::Role::ephemeral};
  return roles;
}

// --- Start

Path ReflinkVolume::image_to_begin_with() {
  Path from = properties().snap_on_start ? reflink_source().committed_image() : committed_image();
  if (snapshots_off()) refuse_exported(from);
  return from;
}

void ReflinkVolume::check_start() {
  refuse_second_start();
  if (kind() == VolumeKind::volatile_) return;
  const Path dirty = files().dirty;
  const bool goes_on = holds_changes();
  if (goes_on) static_cast<void>(layers::image_size(dirty));
  const Path begins_with = goes_on ? dirty : image_to_begin_with();
  // What is to be written itself, and not a copy of it.
  if (goes_on || snapshots_off()) layers::refuse_attached(begins_with);
}

layers::Running ReflinkVolume::start_now() {
  const auto file = files();
  if (kind() == VolumeKind::volatile_) return start_volatile(file.dirty);
  refuse_second_start();
  if (holds_changes()) {
    if (is_half_grown()) grow(size());
    return layers::start_plain(host(), key(), file.dirty, properties().rw);
  }
  Undo undo = begin_session();
  const auto result = layers::start_plain(host(), key(), file.dirty, properties().rw);
  undo.release();
  return result;
}

Undo ReflinkVolume::begin_session() {
  const auto file = files();
  make_directories(file.dirty.parent_path());
  const Path from = image_to_begin_with();
  if (snapshots_off()) return begin_direct();
  // Not before it is known that there is something to start from: changes that are kept go with it.
  unlink_if_exists(file.dirty);
  make_session_image(file.dirty, from,
                     saves() || properties().keep_changes ? Lifetime::saved : Lifetime::transient);
  return Undo([dirty = file.dirty] { unlink_if_exists(dirty); });
}

Undo ReflinkVolume::begin_direct() {
  const auto file = files();
  Undo undo([file] {
    if (path_exists(file.dirty)) rename_durably(file.dirty, file.clean);
  });
  rename_durably(file.clean, file.dirty);
  return undo;
}

// --- Stop

void ReflinkVolume::refuse_discard() {
  if (saves() && is_direct())
    throw Error(ErrorKind::not_supported,
                "its guest has written the image itself (snapshots off): stop it without --discard");
}

void ReflinkVolume::check_stop(const StopOptions& options) {
  refuse_open();
  if (options.discard) refuse_discard();
}

void ReflinkVolume::stop_now(const std::optional<layers::OurDevice>& device, const StopOptions& options) {
  if (kind() == VolumeKind::volatile_) return stop_volatile(device, files().dirty);
  // What an earlier stop has kept is not this one's to drop.
  if (kind() == VolumeKind::snapshot && !device) return;
  const bool keeps = kind() == VolumeKind::snapshot && properties().keep_changes && !options.discard;
  if (!saves() && !keeps) return stop_throwaway(*device);
  if (options.discard) refuse_discard();
  if (device && keeps) return stop_keeping(*device);
  if (device) return stop_saving(*device, options);
  if (options.discard) unlink_durably(files().dirty);
}

void ReflinkVolume::stop_throwaway(const layers::OurDevice& device) {
  layers::let_go(host(), device, [] {});
  unlink_if_exists(files().dirty);
}

void ReflinkVolume::stop_keeping(const layers::OurDevice& device) {
  const Path dirty = files().dirty, clean = reflink_source().files().clean;
  layers::refuse_while_open(host().control(), device);
  // What it sees differs from the state that its source has now, whether it wrote or not.
  if (!is_made_of(dirty, clean)) mark_written(dirty);
  // Before it is gone: whatever cuts this off, what it holds is good for that state.
  remember_source(dirty, clean);
  layers::remove_unopened(host().control(), device);
  sync_path(dirty);
}

void ReflinkVolume::stop_saving(const layers::OurDevice& device, const StopOptions& options) {
  const Path dirty = files().dirty;
  const auto info = host().control().info(device.uuid);
  const bool rw = !(info && info->read_only);
  layers::remove_unopened(host().control(), device);
  Undo runs_on([&] {
    if (path_exists(dirty)) layers::start_plain(host(), key(), dirty, rw);
  });
  const bool has_committed = end_session(options.discard);
  runs_on.release();
  if (has_committed) prune_or_leave();
}

bool ReflinkVolume::end_session(bool discard) {
  const auto file = files();
  if (!discard) sync_path(file.dirty);
  // An origin-snapshot's own state is another than the one it began from.
  const bool commits = !discard && (holds_changes() || kind() == VolumeKind::origin_snapshot);
  if (commits)
    commit(file, file.dirty, revisions_to_keep() > 0);
  else
    unlink_durably(file.dirty);  // Nothing was changed: no revision either.
  return commits;
}

void ReflinkVolume::prune_or_leave() {
  layers::do_or_leave(host(), [&] { prune(files(), std::max(revisions_to_keep(), 0)); });
}

void ReflinkVolume::drop_unwritten() {
  if (!holds_changes()) unlink_durably(files().dirty);
}

void ReflinkVolume::abandon_now() {
  if (!saves()) return stop_now(running(), {});
  const auto device = running();
  if (!device) return;
  layers::remove_unopened(host().control(), *device);
  sync_path(files().dirty);
  drop_unwritten();
}

}  // namespace cowshed::pools::reflink
