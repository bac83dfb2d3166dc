// SPDX-License-Identifier: Apache-2.0
#include "layers/image_loop.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/lease.h"

namespace cowshed::layers {

namespace {

using std::chrono::steady_clock;

/// A loop that goes with its last opener may be on its way: whoever lists loops, as losetup, udev and other
/// threads of ours do, holds it for a moment.
constexpr auto on_its_way_for = std::chrono::seconds(1);

std::optional<loop::Info> other_loop(FileId id, std::optional<int> ours) {
  for (const loop::Info& loop : loop::find(id))
    if (loop.number != ours) return loop;
  return std::nullopt;
}

void refuse_other_loops(const Fd& fd, const Path& file, std::optional<int> ours) {
  if (is_open_nowhere_else(fd)) return;
  const FileId id = stat_fd(fd, file).id;
  const auto deadline = steady_clock::now() + on_its_way_for;
  while (const auto other = other_loop(id, ours)) {
    if (!other->autoclear || steady_clock::now() > deadline)
      throw Error(
          ErrorKind::in_use,
          fmt::format("'{}' is attached as /dev/loop{} already; detach it first (losetup -d /dev/loop{})",
                      file.native(), other->number, other->number));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

void refuse_attached(const Path& file) {
  if (const auto fd = open_if_exists(file, O_RDONLY)) refuse_other_loops(*fd, file, std::nullopt);
}

loop::Loop attach_only_loop(const Path& file, loop::AttachOptions options) {
  const Fd fd = open_file(file, options.read_only ? O_RDONLY : O_RDWR);
  options.autoclear = true;
  loop::Loop loop = loop::Loop::attach(fd, file, options);
  // Looked at afterwards, when ours is in place: of two that attach at once, at least one sees the other.
  refuse_other_loops(fd, file, loop.number());
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
