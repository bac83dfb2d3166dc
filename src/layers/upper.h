// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "dm/targets.h"
#include "layers/views.h"
#include "loop/loop.h"

/// The upper layer of a snapshot volume: what it is made of.
namespace cowshed::layers {

/// Snapshot(view, cow).
dm::Table upper_table(const View& view, const loop::Loop& cow, dm::ExceptionStore store);

/// A loop device over a new file without a name in `directory`, large enough for all of the view to be
/// rewritten; it goes with the last that holds it.
loop::Loop attach_unnamed_cow(const View& view, const Path& directory);

}  // namespace cowshed::layers
