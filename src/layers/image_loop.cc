// SPDX-License-Identifier: Apache-2.0
#include "layers/image_loop.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <optional>

#include "base/error.h"

namespace cowshed::layers {

namespace {

void refuse_loops(const Path& file, FileId id, std::optional<int> ours) {
  for (const loop::Info& other : loop::find(id))
    if (other.number != ours)
      throw Error(
          ErrorKind::in_use,
          fmt::format("'{}' is attached as /dev/loop{} already; detach it first (losetup -d /dev/loop{})",
                      file.native(), other.number, other.number));
}

}  // namespace

void refuse_attached(const Path& file) {
  if (const auto found = stat_if_exists(file)) refuse_loops(file, found->id, std::nullopt);
}

loop::Loop attach_only_loop(const Path& file, loop::AttachOptions options) {
  const Fd fd = open_file(file, options.read_only ? O_RDONLY : O_RDWR);
  const FileId id = stat_fd(fd, file).id;
  options.autoclear = true;
  loop::Loop loop = loop::Loop::attach(fd, file, options);
  // Looked at afterwards, when ours is in place: of two that attach at once, at least one sees the other.
  refuse_loops(file, id, loop.number());
  return loop;
}

namespace {

int loop_number(dm::DeviceNumber device) {
  const auto info = loop::info_of_device(device.major, device.minor);
  if (!info) throw Error(ErrorKind::kernel_refused, fmt::format("{} is no loop device", device.str()));
  return info->number;
}

}  // namespace

Path loop_node(dm::DeviceNumber device) { return fmt::format("/dev/loop{}", loop_number(device)); }

void grow_loop(dm::DeviceNumber device) { loop::Loop::open(loop_number(device)).refresh_capacity(); }

}  // namespace cowshed::layers
