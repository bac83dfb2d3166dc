// SPDX-License-Identifier: Apache-2.0
// Base: views and questions. (Its sessions: base_in_place.cc, base_overlay.cc.)
#include "layers/base.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/fold.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/unlocked.h"

namespace cowshed::layers {

Base::Base(Host& host, VolumeKey key, BaseFiles files)
    : host_(host), key_(std::move(key)), files_(std::move(files)), views_(host, key_, files_.image()) {}

std::unique_lock<FairMutex> Base::lock() { return std::unique_lock(host_.lock_of(key_.uuid_prefix())); }

std::shared_lock<FairMutex> Base::lock_shared() {
  return std::shared_lock(host_.lock_of(key_.uuid_prefix()));
}

bool Base::is_read_only(const OurDevice& device) {
  const auto info = control().info(device.uuid);
  return info && info->read_only;
}

// --- What a start refuses

void Base::refuse_second_start(const Stack& stack) {
  if (const auto& running = stack.guest())
    throw Error(ErrorKind::running, fmt::format("is running already, as {}", dm::node_of(running->device)));
}

void Base::refuse_direct(const Stack& stack) {
  if (stack.plain)
    throw Error(ErrorKind::in_use,
                fmt::format("its source '{}' runs with snapshots off", vid_text(key_.volume())));
}

void Base::refuse_views(const Stack& stack) {
  if (!stack.views.empty() || !stack.retired.empty())
    throw Error(ErrorKind::in_use, fmt::format("it is in use by {}", views_.holders(stack)));
}

void Base::refuse_while_viewed() {
  const auto guard = lock();
  discard_warm();
  views_.collect();
  refuse_views(views_.read());
}

bool Base::is_commit_pending() const { return commit_state(files_) != CommitState::none; }

namespace {

constexpr std::string_view how_to_finish =
    "a commit of it was decided but not finished; stop it again or run 'cowshed recover'";

}  // namespace

void Base::refuse_pending() const {
  if (is_commit_pending()) throw Error(ErrorKind::commit_pending, std::string(how_to_finish));
}

void Base::refuse_torn_image() const {
  const CommitState state = commit_state(files_);
  if (state == CommitState::unsaved || state == CommitState::replacing)
    throw Error(ErrorKind::commit_pending,
                fmt::format("its source '{}': {}", vid_text(key_.volume()), how_to_finish));
}

// --- The committed view

std::optional<Path> Base::freezing_cow() const {
  if (path_exists(files_.commit())) {
    if (commit_state(files_) == CommitState::saved) return files_.replaced();
    return std::nullopt;
  }
  if (path_exists(files_.cow())) return files_.cow();
  return std::nullopt;
}

std::optional<OurDevice> Base::committed_view_in(const Stack& stack) {
  if (stack.views.empty()) return std::nullopt;
  const auto cow = freezing_cow();
  if (!cow) return stack.views.back();
  if (auto view = views_.on_cow(stack, *cow)) return view;
  // A session that was cut off before it had written or swapped anything.
  if (is_unused(*cow)) return stack.views.back();
  return std::nullopt;
}

std::optional<OurDevice> Base::committed_view() { return committed_view_in(views_.read()); }

void Base::with_view(const std::function<void(const View&)>& body) {
  {
    // The usual case: a view is up, and standing on it needs no more than that it stays.
    const auto guard = lock_shared();
    const Stack stack = views_.read();
    refuse_direct(stack);
    if (const auto view = committed_view_in(stack)) {
      // What the session overwrites has a reader from here on.
      if (stack.in_place) reserve_copies_if_unwatched();
      return body(views_.describe(*view));
    }
  }
  const auto guard = lock();
  refuse_direct(views_.read());
  refuse_torn_image();
  Undo undo([this] { collect_or_leave(); });
  body(make_view());
  undo.release();
}

bool Base::while_committed(const std::function<void(const cow::ImageState&)>& body) {
  const auto guard = lock_shared();
  const auto state = image_state();
  if (state) body(*state);
  return state.has_value();
}

std::optional<cow::ImageState> Base::image_state() const {
  if (freezing_cow() || is_commit_pending()) return std::nullopt;
  const auto image = stat_if_exists(files_.image());
  if (!image) return std::nullopt;
  return cow::ImageState{image->id.inode, image->modified};
}

std::optional<std::vector<dm::DeviceNumber>> Base::stores_above(dm::DeviceNumber view) {
  return views_.stores_above(views_.read(), view);
}

View Base::make_view() {
  if (const auto view = committed_view_in(views_.read())) return views_.describe(*view);
  views_.collect();
  const Stack stack = views_.read();
  const auto cow = freezing_cow();
  if (!cow || is_unused(*cow)) return views_.describe(views_.make_top(stack));
  freeze(stack);
  return views_.describe(committed_view_in(views_.read()).value());
}

OurDevice Base::freeze(const Stack& stack) {
  const Path cow = freezing_cow().value();
  refuse_split(stack, cow);
  return views_.freeze(stack, cow);
}

void Base::collect() {
  const auto guard = lock();
  views_.collect();
}

void Base::collect_below(const std::vector<dm::DeviceNumber>& below) {
  // The last one may be an older view, which can be thawed or folded then.
  constexpr int perhaps_the_last = 1;
  const auto is_shared = [this](dm::DeviceNumber device) {
    const auto info = control().info(device);
    return info && info->open_count > perhaps_the_last;
  };
  if (std::ranges::none_of(below, is_shared)) collect();
}

void Base::collect_or_leave() {
  try {
    views_.collect();
    if (discard_outdated_warm()) views_.collect();
  } catch (const std::exception& failure) {
    host_.leave_to_recovery(failure.what());
  }
}

void Base::fold_or_leave(std::unique_lock<FairMutex>& guard) {
  try {
    // The store of a session in place still grows.
    while (!path_exists(files_.cow()) && !is_commit_pending()) {
      const auto fold = views_.foldable(views_.read());
      if (!fold) return;
      const Fd store = create_unnamed(files_.image().parent_path(), Bytes{0});
      const auto chunk = [&] {
        const Unlocked others_may_start(guard);
        return fold_stores(loop_node(fold->older_table.cow), loop_node(fold->newer_table.cow),
                           to_bytes(fold->length), store);
      }();
      if (!views_.fold(*fold, store, chunk.sectors())) return;
    }
  } catch (const std::exception& failure) {
    // They are more than need be, no worse.
    log_warning(fmt::format("views are left unfolded: {}", failure.what()));
  }
}

void Base::drop_clean_stores() {
  for (const Path& store : {files_.cow(), files_.overlay()})
    if (path_exists(store) && is_unused(store)) unlink_durably(store);
}

void Base::tidy() {
  auto guard = lock();
  views_.collect();
  const Stack stack = views_.read();
  if (is_commit_pending()) return;
  if (has_outgrown(stack)) grow_devices(stack);
  if (stack.guest()) return;
  drop_clean_stores();
  Commit::discard_preparations(files_);
  fold_or_leave(guard);
}

// --- Commits that are decided

void Base::finish_commit(const CommitOptions& options) {
  auto guard = lock();
  if (is_commit_pending()) finish_decided(options, guard);
}

void Base::finish_decided(const CommitOptions& options, std::unique_lock<FairMutex>& guard) {
  // For nobody's sake is anything to be kept.
  discard_warm();
  Commit(views_, files_, guard, options).finish();
  settle(guard);
}

void Base::settle(std::unique_lock<FairMutex>& guard) {
  {
    // Nobody comes back for the views where this fails: the session has ended.
    const Undo at_the_end([this] { collect_or_leave(); });
    // What a session with snapshots off left in the image, which was cut off, is part of this state.
    unlink_durably(files_.dirty());
  }
  fold_or_leave(guard);
}

// --- Questions

void Base::verify_image() const { static_cast<void>(image_size(files_.image())); }

bool Base::is_unused(const Path& store) const {
  const auto image = stat_if_exists(files_.image());
  return image ? changes_nothing(store, image->size) : is_clean_store(store);
}

bool Base::is_dirty() {
  if (path_exists(files_.dirty()) || is_commit_pending()) return true;
  const bool has_overlay = path_exists(files_.overlay());
  if (!has_overlay && !path_exists(files_.cow())) return false;
  if (!host_.has_device_mapper()) return !is_unused(has_overlay ? files_.overlay() : files_.cow());
  const Stack stack = views_.read();
  return has_overlay ? !overlay_is_clean(stack) : !frozen_view_is_clean(stack);
}

bool Base::is_broken() {
  if (!host_.has_device_mapper()) return false;
  const auto view = views_.on_cow(views_.read(), files_.cow());
  return view && dm::SnapshotStatus::parse(control().status(view->uuid).at(0).params).state !=
                     dm::SnapshotStatus::State::active;
}

// --- Sessions of both kinds

Running Base::start_session(SessionKind kind, bool rw, bool keep_revision) {
  auto guard = lock();
  const Stack stack = views_.read();
  refuse_second_start(stack);
  refuse_pending();
  views_.collect();
  if (path_exists(files_.overlay())) return start_overlay(rw);
  if (kind == SessionKind::in_place) {
    fold_or_leave(guard);
    refuse_second_start(views_.read());
    return start_in_place(rw);
  }
  commit_interrupted_in_place(views_.read(), keep_revision);
  discard_outdated_warm();
  return start_overlay(rw);
}

void Base::commit_session(const CommitOptions& options) {
  auto guard = lock();
  const Stack stack = views_.read();
  if (is_commit_pending()) return finish_decided(options, guard);
  if (stack.in_place) {
    commit_in_place(stack, options.keep_revision);
  } else if (stack.overlay) {
    // Deeper by one is what the commit makes it.
    fold_or_leave(guard);
    commit_overlay(views_.read(), options, guard);
  } else {
    return;
  }
  settle(guard);
}

void Base::abandon_session() {
  const auto guard = lock();
  const Stack stack = views_.read();
  const auto& session = stack.in_place ? stack.in_place : stack.overlay;
  if (!session) return;
  remove_unopened(control(), *session);
  const Undo at_the_end([this] { collect_or_leave(); });
  const Path store = stack.in_place ? files_.cow() : files_.overlay();
  if (stack.in_place) sync_path(files_.image());
  sync_path(store);
  const bool is_clean = stack.in_place ? frozen_view_is_clean(stack) : is_unused(store);
  if (is_clean) unlink_durably(store);
}

}  // namespace cowshed::layers
