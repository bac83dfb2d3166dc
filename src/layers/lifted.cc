// SPDX-License-Identifier: Apache-2.0
#include "layers/lifted.h"

#include "base/undo.h"

namespace cowshed::layers {

Lifted::Lifted(Host& host, const VolumeKey& key, std::span<const Role> roles)
    : holds_(host.holds()), volume_(key.volume()) {
  holds_.begin_operation(volume_);
  Undo undo([this] { holds_.end_operation(volume_); });
  found_ = find_guest(host, key, roles);
  if (was_held()) host.control().resume(dm::DmUuid(found_->uuid));
  undo.release();
}

Lifted::~Lifted() { holds_.end_operation(volume_); }

std::optional<OurDevice> Lifted::device() const { return found_ ? our_device(*found_) : std::nullopt; }

}  // namespace cowshed::layers
