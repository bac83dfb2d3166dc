// SPDX-License-Identifier: Apache-2.0
#include "layers/changes.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"
#include "dm/device.h"
#include "io/cached.h"
#include "io/copy_file.h"
#include "layers/base_files.h"
#include "layers/fold.h"
#include "layers/image_loop.h"
#include "layers/merge.h"
#include "layers/snapshot.h"
#include "layers/store_file.h"
#include "layers/suspended.h"
#include "layers/teardown.h"

namespace cowshed::layers {

namespace {

struct Under {
  dm::DeviceNumber view;
  Bytes length;
};

Under look_under(dm::Control& control, const OurDevice& snapshot) {
  const auto lines = control.table(snapshot.uuid);
  const auto table = dm::Snapshot::parse(lines.at(0).params);
  return {table.origin, to_bytes(lines.at(0).length)};
}

/// Writes into `into` all in which the snapshot differs from the base's image, whose committed state that is:
/// what it wrote itself, from `own`, and what was committed since it started, from the view it stands on.
void write_all_changes(Host& host, const OurDevice& snapshot, Base& base, const Path& own, const Fd& into) {
  const Under under = look_under(host.control(), snapshot);
  std::optional<std::vector<Path>> stores;
  if (const auto above = base.stores_above(under.view)) {
    stores.emplace();
    for (const dm::DeviceNumber store : *above) stores->push_back(loop_node(store));
  }
  const Fd older = create_unnamed(base.files().image().parent_path(), Bytes{0});
  write_differing(dm::node_of(under.view), base.files().image(), stores, older, nullptr);
  fold_stores(own, path_to(older), under.length, into);
}

/// `into` is as long already.
void copy_store(const Path& store, const Fd& into, const Path& name) {
  const Fd from = io::open_to_read_once(store);
  io::CopyOptions options;
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  io::copy_file(io::End(from, store), io::End(into, name), options);
}

/// What is written meanwhile has no name to tell.
template <typename Body>
void for_file(const Path& file, Body body) {
  in_context([&] { return fmt::format("'{}'", file.native()); }, body);
}

Bytes length_of(const Path& file) { return stat_fd(open_file(file, O_RDONLY), file).size; }

}  // namespace

void stop_keeping(Host& host, const OurDevice& snapshot, Base base, const Path& store) {
  dm::Control& control = host.control();
  refuse_while_open(control, snapshot);
  const Bytes length = look_under(control, snapshot).length;
  const Path renewed = half_made(store);
  unlink_if_exists(renewed);
  Undo undo([&] { unlink_if_exists(renewed); });
  std::optional<cow::ImageState> state;
  base.while_committed([&](const cow::ImageState& now) {
    state = now;
    if (!is_outdated(host, snapshot, base)) return;
    const Fd file = create_sparse(renewed, Bytes{0});
    // Nobody has it open, and what was written is in its store: it goes on only where it cannot be removed.
    const Suspended quiet(control, snapshot);
    for_file(renewed, [&] { write_all_changes(host, snapshot, base, store, file); });
    remember_purpose(renewed, length, now);
  });
  remove_unopened(control, snapshot);
  // Nobody could make it anew from here on; whoever comes next finishes it.
  undo.release();
  if (path_exists(renewed)) {
    rename_durably(renewed, store);
  } else {
    if (make_valid(store))
      log_warning(
          fmt::format("'{}' ran out of space: what failed to be written is not in it", store.native()));
    remember_purpose(store, length, state);
  }
  do_or_leave(host, [&] { base.collect(); });
}

void finish_keeping(const Path& store) {
  const Path renewed = half_made(store);
  if (!path_exists(renewed)) return;
  // Its header says so last.
  const auto header = stat_if_exists(renewed)->size.count == 0 ? std::nullopt : read_header(renewed);
  if (header && header->changes)
    rename_durably(renewed, store);
  else
    unlink_if_exists(renewed);
}

void check_kept(const Path& store, Base base) {
  finish_keeping(store);
  if (!path_exists(store))
    throw Error(ErrorKind::not_found, "it has kept no changes; they are kept from its next start on");
  const auto header = read_header(store);
  const auto good_for = header ? header->changes : std::nullopt;
  const bool is_good = good_for && base.while_committed([&](const cow::ImageState& now) {
    if (now != *good_for)
      throw Error(
          ErrorKind::in_use,
          "its source holds a newer state than the one that its changes were made to; start it again");
  });
  if (!is_good)
    throw Error(ErrorKind::in_use, "its source was being written when it was stopped; start it again");
}

namespace {

void copy_all_changes(Host& host, const OurDevice& snapshot, Base& base, const Path& store,
                      const Path& copy) {
  const auto copy_own = [&](const Fd& file, const Path& name) {
    const Suspended quiet(host.control(), snapshot);
    copy_store(store, file, name);
  };
  if (!is_outdated(host, snapshot, base)) return copy_own(create_sparse(copy, length_of(store)), copy);
  const Fd own = create_unnamed(copy.parent_path(), length_of(store));
  copy_own(own, path_to(own));
  write_all_changes(host, snapshot, base, path_to(own), create_sparse(copy, Bytes{0}));
}

}  // namespace

void copy_changes(Host& host, const OurDevice& snapshot, Base base, const Path& store, const Path& copy) {
  const Bytes length = look_under(host.control(), snapshot).length;
  const bool is_committed = base.while_committed([&](const cow::ImageState& now) {
    for_file(copy, [&] { copy_all_changes(host, snapshot, base, store, copy); });
    remember_purpose(copy, length, now);
  });
  if (!is_committed) throw Error(ErrorKind::in_use, "its source is being written");
}

}  // namespace cowshed::layers
