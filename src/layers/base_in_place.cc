// SPDX-License-Identifier: Apache-2.0
// Base: sessions that write the image itself (layers.md: "Session protocol (in place)").
#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/base.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/plain.h"
#include "layers/store_file.h"

namespace cowshed::layers {

Running Base::start_in_place(bool rw) {
  const Stack stack = views_.read();
  const Bytes size = image_size(files_.image());

  // A clean cow means nothing and goes when the start fails; an interrupted session's holds the committed
  // state.
  if (path_exists(files_.cow())) check_store_file(files_.cow(), size);
  const bool means_nothing = !path_exists(files_.cow()) || is_unused(files_.cow());
  Undo undo([&] {
    collect_or_leave();
    if (means_nothing) unlink_durably(files_.cow());
  });
  if (!path_exists(files_.cow()))
    create_sparse_durably(files_.cow(), cow::persistent_size(size, base_chunk));
  else if (make_room(files_.cow(), size))
    if (const auto view = views_.on_cow(stack, files_.cow())) grow_cow_of(*view);
  if (has_readers(stack)) reserve_copies_if_unwatched();
  const auto device = bring_up_in_place(freeze(stack), rw);
  undo.release();
  return {device, rw};
}

/// The store's file has grown; the kernel takes what its loop device has at each new exception.
void Base::grow_cow_of(const OurDevice& view) {
  const auto lines = control().table(view.uuid);
  const dm::Target target = dm::parse_target(lines.at(0).type, lines.at(0).params);
  if (const auto* snapshot = std::get_if<dm::Snapshot>(&target)) grow_loop(snapshot->cow);
}

dm::DeviceNumber Base::bring_up_in_place(const OurDevice& top, bool rw) {
  const Sectors length = to_sectors(image_size(files_.image()));
  return dm::Device::bring_up(control(), key_.name(Role::origin, top.number),
                              key_.uuid(Role::origin, top.number),
                              dm::whole_device(length, dm::SnapshotOrigin{top.device}), !rw)
      .keep();
}

bool Base::frozen_view_is_clean(const Stack& stack) {
  const auto view = views_.on_cow(stack, files_.cow());
  if (!view) return is_unused(files_.cow());
  const auto status = dm::SnapshotStatus::parse(control().status(view->uuid).at(0).params);
  if (status.state != dm::SnapshotStatus::State::active)
    throw Error(
        ErrorKind::corrupt_image,
        fmt::format(
            "the session overwrote chunks of '{}' that it could not save to '{}' (the kernel has marked "
            "{} invalid); both files are kept. If the image is good, 'cowshed vm create NEW --root-image' "
            "makes a VM of it",
            files_.image().native(), files_.cow().native(), view->name.str()));
  return status.allocated <= status.metadata && is_unused(files_.cow());
}

void Base::commit_in_place(const Stack& stack, bool keep_revision) {
  const bool rw = !is_read_only(*stack.in_place);
  remove_unopened(control(), *stack.in_place);
  Undo runs_on([&] {
    if (path_exists(files_.cow()))
      bring_up_in_place(stack.views.back(), rw);
    else  // It has lost its name: the commit is decided.
      collect_or_leave();
  });
  give_back_reserve(stack);
  sync_path(files_.image());
  sync_path(files_.cow());
  commit_files(frozen_view_is_clean(stack), keep_revision);
  runs_on.release();
}

void Base::commit_interrupted_in_place(const Stack& stack, bool keep_revision) {
  if (!path_exists(files_.cow())) return;
  check_store_file(files_.cow(), image_size(files_.image()));
  sync_path(files_.image());
  sync_path(files_.cow());
  commit_files(frozen_view_is_clean(stack), keep_revision);
}

void Base::commit_files(bool is_clean, bool keep_revision) {
  if (is_clean) {
    // Nothing was changed: the last revision still restores the state before the last change.
    unlink_durably(files_.cow());
  } else if (keep_revision) {
    rename_durably(files_.cow(), files_.revision());
  } else {
    // Before the commit point: a revision of an older state must not outlive the state it was taken against.
    unlink_durably(files_.revision());
    unlink_durably(files_.cow());
  }
}

// --- Snapshots off

Running Base::start_direct(bool rw) {
  auto guard = lock();
  verify_image();
  refuse_second_start(views_.read());
  refuse_pending();
  const auto refuse_any_view = [this] {
    discard_warm();
    views_.collect();
    refuse_views(views_.read());
  };
  refuse_any_view();
  if (path_exists(files_.overlay())) {
    commit_overlay(views_.read(), {}, guard);
    // The lock was let go meanwhile.
    refuse_any_view();
  }
  const bool was_dirty = path_exists(files_.dirty());
  if (!was_dirty) create_sparse_durably(files_.dirty(), Bytes{0});
  Undo undo([&] {
    if (!was_dirty) unlink_durably(files_.dirty());
  });
  // Both restore a state against an image that the guest overwrites from here on. The revision goes first: it
  // was taken against the state that the other still restores.
  unlink_durably(files_.revision());
  unlink_durably(files_.cow());
  const Running running = start_plain(host_, key_, files_.image(), rw);
  undo.release();
  return running;
}

void Base::commit_direct() {
  const auto guard = lock();
  const Stack stack = views_.read();
  if (!stack.plain) return;
  const bool rw = !is_read_only(*stack.plain);
  stop_plain(host_, *stack.plain);
  Undo runs_on([&] {
    if (path_exists(files_.dirty())) start_plain(host_, key_, files_.image(), rw);
  });
  sync_path(files_.image());
  unlink_durably(files_.dirty());
  runs_on.release();
}

void Base::abandon_direct() {
  const auto guard = lock();
  const Stack stack = views_.read();
  if (stack.plain) stop_plain(host_, *stack.plain);
}

}  // namespace cowshed::layers
