// SPDX-License-Identifier: Apache-2.0
// Base: sessions that write a store of their own over the image (layers.md: "Commit protocol (overlay)").
#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"
#include "layers/base.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/teardown.h"

namespace cowshed::layers {

namespace {

void revive(const Path& overlay) {
  if (make_valid(overlay))
    log_warning(
        fmt::format("'{}' ran out of space: what the guest was told it had written is there, what failed "
                    "is not",
                    overlay.native()));
}

}  // namespace

Running Base::start_overlay(bool rw) {
  const Bytes size = image_size(files_.image());
  const bool is_new = !path_exists(files_.overlay());
  if (is_new)
    create_store_file(files_.overlay(), size, {overlay_chunk});
  else
    revive(files_.overlay());
  const bool is_clean = is_new || check_store_file(files_.overlay(), size).is_clean();
  Undo undo([&] {
    collect_or_leave();
    if (is_clean) unlink_durably(files_.overlay());
  });
  const auto device = bring_up_overlay(rw);
  undo.release();
  return {device, rw};
}

dm::DeviceNumber Base::bring_up_overlay(bool rw) {
  const View view = make_view();
  // Held until the session holds it.
  const auto store = attach_only_loop(files_.overlay(), {.direct_io = true});
  const auto chunk = store_chunk(files_.overlay()).sectors();
  const dm::Snapshot table{.origin = view.device,
                           .cow = device_number(store),
                           .store = dm::ExceptionStore::persistent,
                           .chunk_size = chunk,
                           .discard_zeroes_cow = true};
  return bring_up_for_guest(control(), key_, Role::overlay, view.generation,
                            dm::whole_device(view.length, table), rw);
}

bool Base::overlay_is_clean(const Stack& stack) {
  if (!stack.overlay) return is_clean_store(files_.overlay());
  const auto status = dm::SnapshotStatus::parse(control().status(stack.overlay->uuid).at(0).params);
  return status.state == dm::SnapshotStatus::State::active && status.allocated <= status.metadata;
}

void Base::commit_overlay(const Stack& stack, const CommitOptions& options,
                          std::unique_lock<FairMutex>& guard) {
  const bool rw = !stack.overlay || !is_read_only(*stack.overlay);
  if (stack.overlay) remove_unopened(control(), *stack.overlay);
  Undo runs_on([&] {
    if (stack.overlay && path_exists(files_.overlay())) bring_up_overlay(rw);
  });
  sync_path(files_.overlay());
  revive(files_.overlay());
  if (check_store_file(files_.overlay(), image_size(files_.image())).is_clean()) {
    // Nothing was changed: the last revision still restores the state before the last change.
    unlink_durably(files_.overlay());
  } else {
    discard_warm();
    rename_durably(files_.overlay(), files_.commit());
    Commit(views_, files_, guard, options).finish();
  }
  runs_on.release();
}

void Base::refuse_discard(const Stack& stack) {
  if (stack.plain || (stack.in_place && !frozen_view_is_clean(stack)))
    throw Error(ErrorKind::not_supported,
                "its guest has written the image itself (write_policy in-place): stop it without --discard");
}

void Base::check_discard() {
  const auto guard = lock();
  refuse_discard(views_.read());
}

void Base::discard_session() {
  const auto guard = lock();
  const Stack stack = views_.read();
  refuse_discard(stack);
  if (stack.in_place) commit_in_place(stack, true);
  if (stack.overlay) remove_unopened(control(), *stack.overlay);
  unlink_durably(files_.overlay());
  collect_or_leave();
}

}  // namespace cowshed::layers
