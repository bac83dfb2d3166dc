// SPDX-License-Identifier: Apache-2.0
#include "layers/snapshot.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/teardown.h"
#include "layers/upper.h"
#include "layers/warm.h"

namespace cowshed::layers {

namespace {

dm::DeviceNumber bring_up(Host& host, const VolumeKey& key, const View& view, const loop::Loop& cow,
                          dm::ExceptionStore store, bool rw) {
  return bring_up_for_guest(host.control(), key, Role::snapshot, static_cast<std::uint64_t>(cow.number()),
                            upper_table(view, cow, store), rw);
}

}  // namespace

Running start_snapshot(Host& host, const VolumeKey& key, Base& base, const Path& cow_directory, bool rw,
                       bool may_be_warm) {
  Running running{.device = {}, .rw = rw};
  base.with_view([&](const View& view) {
    // Those that stand ready can be written.
    const auto warm = may_be_warm && rw ? hand_out_warm(host, base.warm(), key, view) : std::nullopt;
    if (warm) {
      running.device = *warm;
      return;
    }
    const auto cow = attach_unnamed_cow(view, cow_directory);
    running.device = bring_up(host, key, view, cow, dm::ExceptionStore::transient, rw);
  });
  return running;
}

Running start_keeping(Host& host, const VolumeKey& key, Base& base, const Path& store, bool rw) {
  Running running{.device = {}, .rw = rw};
  base.with_view([&](const View& view) {
    if (const auto device = find_guest_device(host, key, std::array{Role::snapshot}))
      throw Error(ErrorKind::running, fmt::format("is running already, as {}", dm::node_of(device->device)));
    for (const Path& old : {half_made(store), store}) unlink_if_exists(old);
    const Bytes length = to_bytes(view.length);
    create_store_file(store, length,
                      {.chunk_size = upper_chunk, .restores = length, .changes = base.image_state()});
    Undo undo([&] { unlink_if_exists(store); });
    const auto cow = attach_only_loop(store, {.direct_io = true});
    running.device = bring_up(host, key, view, cow, dm::ExceptionStore::persistent, rw);
    undo.release();
  });
  return running;
}

void stop_snapshot(Host& host, const OurDevice& snapshot, Base base) {
  auto below = host.control().deps(snapshot.uuid);
  // The store's loop device goes by itself.
  std::erase_if(below, [&](dm::DeviceNumber device) { return device.major != snapshot.device.major; });
  let_go(host, snapshot, [base, below = std::move(below)]() mutable { base.collect_below(below); });
}

bool is_outdated(Host& host, const OurDevice& snapshot, Base& base) {
  const auto newest = base.committed_view();
  const auto under = host.control().deps(snapshot.uuid);
  return !newest || std::ranges::find(under, newest->device) == under.end();
}

}  // namespace cowshed::layers
