// SPDX-License-Identifier: Apache-2.0
// Base: what a start would be refused for, before anything is started.
#include <fmt/core.h>

#include "base/error.h"
#include "layers/base.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"

namespace cowshed::layers {

void Base::refuse_split(const Stack& stack, const Path& cow) {
  // What a commit has saved is good for the views that are up as long as none of them stands on it: only then
  // does it write the image.
  if (cow != files_.cow()) return;
  if (!stack.views.empty() && !views_.on_cow(stack, cow) && !is_unused(cow))
    throw Error(ErrorKind::in_use,
                fmt::format("'{}' holds an uncommitted session, yet snapshots of the image run beside it: {}",
                            cow.native(), views_.holders(stack)));
}

void Base::refuse_torn_stores() {
  const Bytes size = image_size(files_.image());
  if (path_exists(files_.cow())) check_store_file(files_.cow(), size);
  // One that has run out of space is good for its own session.
  if (path_exists(files_.overlay()) && !is_marked_invalid(files_.overlay()))
    check_store_file(files_.overlay(), size);
}

void Base::refuse_attached_image(const Stack& stack) {
  if (stack.views.empty()) refuse_attached(files_.image());
}

void Base::check_session(SessionKind kind) {
  const auto guard = lock();
  refuse_second_start(views_.read());
  refuse_pending();
  refuse_torn_stores();
  views_.collect();
  const Stack stack = views_.read();
  refuse_attached_image(stack);
  const bool has_overlay = path_exists(files_.overlay()), has_cow = path_exists(files_.cow());
  if (has_cow) refuse_split(stack, files_.cow());
  if (has_overlay) return refuse_attached(files_.overlay());
  if (kind == SessionKind::overlay) {
    if (has_cow) static_cast<void>(frozen_view_is_clean(stack));
  } else if (!views_.on_cow(stack, files_.cow()) && !views_.foldable(stack)) {
    views_.check_depth(stack);
  }
}

void Base::check_direct() {
  const auto guard = lock();
  refuse_second_start(views_.read());
  refuse_pending();
  refuse_torn_stores();
  views_.collect();
  const Stack stack = views_.read();
  refuse_views(stack);
  refuse_attached_image(stack);
}

void Base::check_view() {
  const auto guard = lock_shared();
  const Stack stack = views_.read();
  refuse_direct(stack);
  if (committed_view_in(stack)) return;
  refuse_torn_image();
  const Bytes size = image_size(files_.image());
  refuse_attached_image(stack);
  const auto cow = freezing_cow();
  if (!cow || is_unused(*cow)) return;
  refuse_split(stack, *cow);
  check_store_file(*cow, size);
}

}  // namespace cowshed::layers
