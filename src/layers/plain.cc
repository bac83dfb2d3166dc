// SPDX-License-Identifier: Apache-2.0
#include "layers/plain.h"

#include <fcntl.h>

#include "dm/device.h"
#include "layers/image_loop.h"
#include "layers/teardown.h"

namespace cowshed::layers {

Running start_plain(Host& host, const VolumeKey& key, const Path& file, bool rw) {
  const auto loop = attach_only_loop(file, {.direct_io = true});
  const Sectors length = to_sectors(stat_if_exists(file).value().size);
  const auto number = static_cast<std::uint64_t>(loop.number());
  return {bring_up_for_guest(host.control(), key, Role::plain, number,
                             dm::whole_device(length, dm::Linear{device_number(loop), Sectors{0}}), rw),
          rw};
}

void stop_plain(Host& host, const OurDevice& plain) { remove_unopened(host.control(), plain); }

}  // namespace cowshed::layers
