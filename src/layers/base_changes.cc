// SPDX-License-Identifier: Apache-2.0
// Base: what changes the volume as a whole.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/base.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/unlocked.h"

namespace cowshed::layers {

namespace {

void grow_file(const Path& file, Bytes size) {
  if (stat_if_exists(file).value().size >= size) return;
  if (::truncate(file.c_str(), static_cast<off_t>(size.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}' to {} bytes", file.native(), size.count));
  sync_path(file);
}

}  // namespace

void Base::refuse_unsettled() {
  if (host_.has_device_mapper()) {
    const Stack stack = views_.read();
    if (const auto& running = stack.guest())
      throw Error(ErrorKind::running,
                  fmt::format("is running as {}; stop it first", dm::node_of(running->device)));
    views_.collect();
  }
  refuse_pending();
  drop_clean_stores();
  if (is_dirty())
    throw Error(ErrorKind::dirty,
                "holds what a session that was cut off has written; start and stop it first");
}

void Base::check_settled() {
  const auto guard = lock();
  refuse_unsettled();
}

void Base::revert(const WorkWatch& watch) {
  auto guard = lock();
  refuse_unsettled();
  if (!path_exists(files_.revision())) throw Error(ErrorKind::not_found, "it has no revision to go back to");
  check_store_file(files_.revision(), image_size(files_.image()));
  link_durably(files_.revision(), files_.commit());
  finish_decided({.keep_revision = true, .watch = watch}, guard);
}

void Base::import_image(const std::function<void(const Path& file)>& fill, const CommitOptions& options) {
  auto guard = lock();
  refuse_unsettled();
  const Path prepared = half_made(files_.import());
  Commit::discard_preparations(files_);
  Undo undo([this] { Commit::discard_preparations(files_); });
  {
    const Unlocked others_may_start(guard);
    fill(prepared);
    static_cast<void>(image_size(prepared));
    sync_path(prepared);
    if (options.keep_revision) save_differing(files_.image(), prepared, files_.replaced(), nullptr);
  }
  if (!options.keep_revision) create_sparse_durably(files_.replaced(), Bytes{0});
  rename_durably(prepared, files_.import());
  undo.release();
  finish_decided(options, guard);
}

void Base::promote(const std::function<void(const Path& store)>& make, const CommitOptions& options) {
  auto guard = lock();
  refuse_unsettled();
  Commit::discard_preparations(files_);
  Undo undo([this] { Commit::discard_preparations(files_); });
  const Path prepared = half_made(files_.commit());
  {
    const Unlocked others_may_start(guard);
    make(prepared);
    sync_path(prepared);
  }
  if (MergeStore(prepared, files_.image()).survey().changes_nothing()) return;
  link_durably(prepared, files_.promotion());
  rename_durably(prepared, files_.commit());
  undo.release();
  finish_decided(options, guard);
}

// --- Size

void Base::resize(Bytes size, bool may_shrink, const CommitOptions& options) {
  const Bytes now = image_size(files_.image());
  if (size >= now) return grow(size);
  if (!may_shrink)
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format(
            "{} bytes are less than it has ({}), and what lies behind would be gone; with --shrink it "
            "is done all the same",
            size.count, now.count));
  shrink(size, options);
}

void Base::shrink(Bytes size, const CommitOptions& options) {
  auto guard = lock();
  refuse_unsettled();
  // A store without exceptions that restores a smaller state: all else is a commit like any other.
  const Path prepared = half_made(files_.commit());
  unlink_if_exists(prepared);
  Undo undo([&] { unlink_if_exists(prepared); });
  create_store_file(prepared, Bytes{0}, {base_chunk, size});
  rename_durably(prepared, files_.commit());
  undo.release();
  finish_decided(options, guard);
}

void Base::grow(Bytes size) {
  const auto guard = lock();
  refuse_pending();
  const Bytes before = image_size(files_.image());
  for (const Path& store : {files_.cow(), files_.revision()})
    if (path_exists(store)) remember_size(store, before);
  if (path_exists(files_.overlay())) make_room(files_.overlay(), size);
  grow_file(files_.image(), size);
  if (!host_.has_device_mapper()) return;
  grow_devices(views_.read());
  discard_outdated_warm();
}

void Base::grow_devices(const Stack& stack) {
  views_.grow_top(stack);
  grow_guest(stack, to_sectors(image_size(files_.image())));
}

bool Base::has_outgrown(const Stack& stack) {
  const auto image = stat_if_exists(files_.image());
  const auto is_shorter = [&](const OurDevice& device) {
    return to_bytes(control().table(device.uuid).at(0).length) < image->size;
  };
  if (!image) return false;
  return views_.is_outgrown(stack) || (stack.guest() && is_shorter(*stack.guest()));
}

void Base::grow_guest(const Stack& stack, Sectors length) {
  const auto& guest = stack.guest();
  if (!guest) return;
  const auto lines = control().table(guest->uuid);
  dm::Target target = dm::parse_target(lines.at(0).type, lines.at(0).params);
  if (const auto* snapshot = std::get_if<dm::Snapshot>(&target)) grow_loop(snapshot->cow);
  if (const auto* linear = std::get_if<dm::Linear>(&target)) grow_loop(linear->device);
  dm::swap_table(control(), guest->uuid, dm::whole_device(length, std::move(target)), is_read_only(*guest),
                 {});
}

}  // namespace cowshed::layers
