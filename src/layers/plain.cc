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

namespace {

Running start_over(Host& host, const VolumeKey& key, const loop::Loop& loop, Bytes size, bool rw) {
  const dm::Linear target{device_number(loop), Sectors{0}};
  const auto number = static_cast<std::uint64_t>(loop.number());
  return {bring_up_for_guest(host.control(), key, Role::plain, number,
                             dm::whole_device(to_sectors(size), target), rw),
          rw};
}

}  // namespace

Running start_plain(Host& host, const VolumeKey& key, const Path& file, bool rw) {
  const auto loop = attach_only_loop(file, {.direct_io = true});
  return start_over(host, key, loop, stat_if_exists(file).value().size, rw);
}

Running start_plain_unnamed(Host& host, const VolumeKey& key, const Path& directory, Bytes size, bool rw) {
  const Fd file = create_unnamed(directory, size);
  const auto loop = loop::Loop::attach(file, directory, {.direct_io = true, .autoclear = true});
  return start_over(host, key, loop, size, rw);
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
