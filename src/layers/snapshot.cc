// SPDX-License-Identifier: Apache-2.0
#include "layers/snapshot.h"

#include <algorithm>

#include "base/error.h"
#include "dm/device.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/teardown.h"

namespace cowshed::layers {

Running start_snapshot(Host& host, const VolumeKey& key, Base& base, const Path& cow_directory, bool rw) {
  Running running{.device = {}, .rw = rw};
  base.with_view([&](const View& view) {
    const Fd cow_file =
        create_unnamed(cow_directory, cow::transient_size(to_bytes(view.length), upper_chunk));
    const auto cow = loop::Loop::attach(cow_file, cow_directory, {.direct_io = true, .autoclear = true});
    const auto number = static_cast<std::uint64_t>(cow.number());
    const dm::Snapshot table{.origin = view.device,
                             .cow = device_number(cow),
                             .store = dm::ExceptionStore::transient,
                             .chunk_size = upper_chunk.sectors(),
                             .discard_zeroes_cow = true};
    running.device = bring_up_for_guest(host.control(), key, Role::snapshot, number,
                                        dm::whole_device(view.length, table), rw);
  });
  return running;
}

void stop_snapshot(Host& host, const OurDevice& snapshot, Base base) {
  let_go(host, snapshot, [base]() mutable { base.collect(); });
}

bool is_outdated(Host& host, const OurDevice& snapshot, Base& base) {
  const auto newest = base.committed_view();
  const auto under = host.control().deps(snapshot.uuid);
  return !newest || std::ranges::find(under, newest->device) == under.end();
}

}  // namespace cowshed::layers
