// SPDX-License-Identifier: Apache-2.0
#include "layers/session_size.h"

#include <fmt/core.h>

#include <sstream>

namespace cowshed::layers {

namespace {

/// Since it was made (Documentation/block/stat.rst: the seventh field, in sectors).
Bytes written_through(dm::DeviceNumber device) {
  const auto text = read_file_if_exists(fmt::format("/sys/dev/block/{}/stat", device.str()), kibibytes(4));
  std::istringstream fields(text.value_or(""));
  Sectors written;
  for (int i = 0; i < 7; ++i) fields >> written.count;
  return fields ? to_bytes(written) : Bytes{};
}

Bytes taken_by(const Path& image, dm::DeviceNumber device) {
  if (image.empty()) return written_through(device);
  const auto file = stat_if_exists(image);
  return file ? file->allocated : Bytes{};
}

bool writes_image(Role role) { return role == Role::plain || role == Role::origin; }

}  // namespace

std::optional<SessionSize> size_of_session(dm::Control& control, const OurDevice& device,
                                           const OurDevice& holder, const Path& image) {
  const auto look = control.look(holder.uuid);
  if (!look || look->status.size() != 1) return std::nullopt;
  SessionSize size;
  if (look->status[0].type == dm::Snapshot::type) {
    const auto status = dm::SnapshotStatus::parse(look->status[0].params);
    size.is_invalid = status.state != dm::SnapshotStatus::State::active;
    size.written = to_bytes(status.allocated);
    size.taken = size.written;
  }
  if (writes_image(device.role)) size.taken = size.taken + taken_by(image, device.device);
  return size;
}

}  // namespace cowshed::layers
