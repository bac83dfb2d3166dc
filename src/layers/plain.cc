// SPDX-License-Identifier: Apache-2.0
#include "layers/plain.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
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

void grow_plain(Host& host, const OurDevice& plain, const Path& file, Bytes size) {
  if (::truncate(file.c_str(), static_cast<off_t>(size.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}' to {} bytes", file.native(), size.count));
  const auto table = dm::Linear::parse(host.control().table(plain.uuid).at(0).params);
  grow_loop(table.device);
  dm::swap_table(host.control(), plain.uuid, dm::whole_device(to_sectors(size), table), false, {});
}

void stop_plain(Host& host, const OurDevice& plain) { remove_unopened(host.control(), plain); }

}  // namespace cowshed::layers
