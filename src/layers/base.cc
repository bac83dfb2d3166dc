// SPDX-License-Identifier: Apache-2.0
#include "layers/base.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/plain.h"
#include "layers/store_file.h"

namespace cowshed::layers {

Base::Base(Host& host, VolumeKey key, BaseFiles files)
    : host_(host), key_(std::move(key)), files_(std::move(files)) {}

std::unique_lock<std::shared_mutex> Base::lock() {
  return std::unique_lock(host_.lock_of(key_.uuid_prefix()));
}

Bytes Base::image_size() const {
  const auto image = stat_if_exists(files_.image);
  if (!image) throw Error(ErrorKind::not_found, fmt::format("image '{}' is missing", files_.image.native()));
  if (image->size.count == 0 || image->size.count % Sectors::bytes_each != 0)
    throw Error(ErrorKind::corrupt_image,
                fmt::format("image '{}' is {} bytes long, which is no whole number of {}-byte sectors",
                            files_.image.native(), image->size.count, Sectors::bytes_each));
  return image->size;
}

bool Base::is_read_only(const OurDevice& device) {
  const auto info = control().info(device.uuid);
  return info && info->read_only;
}

void Base::refuse_second_start(const Stack& stack) {
  if (const auto& running = stack.session ? stack.session : stack.plain)
    throw Error(ErrorKind::running, fmt::format("is running already, as {}", dm::node_of(running->device)));
}

Running Base::start_session(bool rw) {
  const auto guard = lock();
  refuse_second_start(read_stack());
  collect_locked();
  const Stack stack = read_stack();
  const Bytes size = image_size();

  // A clean cow means nothing and goes when the start fails; an interrupted session's holds the committed
  // state.
  const bool is_clean = !path_exists(files_.cow) || check_store_file(files_.cow, size).is_clean();
  Undo undo([&] {
    collect_or_leave();
    if (is_clean) unlink_durably(files_.cow);
  });
  if (!path_exists(files_.cow)) create_sparse_durably(files_.cow, cow::persistent_size(size, base_chunk));
  const auto device = bring_up_session(freeze(stack), rw);
  undo.release();
  return {device, rw};
}

dm::DeviceNumber Base::bring_up_session(const OurDevice& top, bool rw) {
  return dm::Device::bring_up(control(), key_.name(Role::origin, top.number),
                              key_.uuid(Role::origin, top.number),
                              dm::whole_device(to_sectors(image_size()), dm::SnapshotOrigin{top.device}), !rw)
      .keep();
}

void Base::sync_files() {
  sync_path(files_.image);
  sync_path(files_.cow);
}

bool Base::frozen_view_is_clean(const Stack& stack) {
  const auto view = view_on_cow(stack);
  if (!view) return is_clean_store(files_.cow);
  const auto status = dm::SnapshotStatus::parse(control().status(view->uuid).at(0).params);
  if (status.state != dm::SnapshotStatus::State::active)
    throw Error(
        ErrorKind::corrupt_image,
        fmt::format(
            "the session overwrote chunks of '{}' that it could not save to '{}' (the kernel has marked "
            "{} invalid); both files are kept",
            files_.image.native(), files_.cow.native(), view->name.str()));
  return status.allocated <= status.metadata;
}

void Base::commit_session(bool keep_revision) {
  const auto guard = lock();
  const Stack stack = read_stack();
  if (!stack.session) return;
  const bool rw = !is_read_only(*stack.session);
  remove_unopened(control(), *stack.session);
  Undo runs_on([&] {
    if (path_exists(files_.cow))
      bring_up_session(stack.views.back(), rw);
    else  // It has lost its name: the commit is decided.
      collect_or_leave();
  });
  sync_files();
  commit_files(frozen_view_is_clean(stack), keep_revision);
  runs_on.release();
  collect_or_leave();
}

void Base::commit_files(bool is_clean, bool keep_revision) {
  if (is_clean) {
    // Nothing was changed: the last revision still restores the state before the last change.
    unlink_durably(files_.cow);
  } else if (keep_revision) {
    rename_durably(files_.cow, files_.revision);
  } else {
    // Before the commit point: a revision of an older state must not outlive the state it was taken against.
    unlink_durably(files_.revision);
    unlink_durably(files_.cow);
  }
}

void Base::abandon_session() {
  const auto guard = lock();
  const Stack stack = read_stack();
  if (!stack.session) return;
  remove_unopened(control(), *stack.session);
  const Undo at_the_end([this] { collect_or_leave(); });
  sync_files();
  if (frozen_view_is_clean(stack)) unlink_durably(files_.cow);
}

bool Base::is_dirty() {
  if (path_exists(files_.dirty)) return true;
  if (!path_exists(files_.cow)) return false;
  if (!host_.has_device_mapper()) return !is_clean_store(files_.cow);
  return !frozen_view_is_clean(read_stack());
}

void Base::verify_image() const { static_cast<void>(image_size()); }

bool Base::is_broken() {
  if (!host_.has_device_mapper()) return false;
  const auto view = view_on_cow(read_stack());
  return view && dm::SnapshotStatus::parse(control().status(view->uuid).at(0).params).state !=
                     dm::SnapshotStatus::State::active;
}

void Base::tidy() {
  const auto guard = lock();
  collect_locked();
  const Stack stack = read_stack();
  if (!stack.session && path_exists(files_.cow) && is_clean_store(files_.cow)) unlink_durably(files_.cow);
}

void Base::refuse_views(const Stack& stack) {
  if (!stack.views.empty())
    throw Error(ErrorKind::in_use, fmt::format("running snapshots stand on it: {}", holders_of(stack)));
}

void Base::refuse_while_viewed() {
  const auto guard = lock();
  collect_locked();
  refuse_views(read_stack());
}

Running Base::start_direct(bool rw) {
  const auto guard = lock();
  verify_image();
  refuse_second_start(read_stack());
  collect_locked();
  refuse_views(read_stack());
  const bool was_dirty = path_exists(files_.dirty);
  if (!was_dirty) create_sparse_durably(files_.dirty, Bytes{0});
  Undo undo([&] {
    if (!was_dirty) unlink_durably(files_.dirty);
  });
  // Both restore a state against an image that the guest overwrites from here on.
  unlink_durably(files_.cow);
  unlink_durably(files_.revision);
  const Running running = start_plain(host_, key_, files_.image, rw);
  undo.release();
  return running;
}

void Base::commit_direct() {
  const auto guard = lock();
  const Stack stack = read_stack();
  if (!stack.plain) return;
  const bool rw = !is_read_only(*stack.plain);
  stop_plain(host_, *stack.plain);
  Undo runs_on([&] {
    if (path_exists(files_.dirty)) start_plain(host_, key_, files_.image, rw);
  });
  sync_path(files_.image);
  unlink_durably(files_.dirty);
  runs_on.release();
}

void Base::abandon_direct() {
  const auto guard = lock();
  const Stack stack = read_stack();
  if (stack.plain) stop_plain(host_, *stack.plain);
}

}  // namespace cowshed::layers
