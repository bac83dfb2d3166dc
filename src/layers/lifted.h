// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "layers/host.h"
#include "layers/inventory.h"

namespace cowshed::layers {

/// An operation on a volume's session: while it lives no guard holds the session (Holds), and one that is
/// held is resumed. What ends a session needs its guest's last I/O to end, and the guest to be able to close
/// the device. Blocks while a guard changes the session.
class Lifted {
 public:
  /// `roles`: what the guest's device may be.
  Lifted(Host& host, const VolumeKey& key, std::span<const Role> roles);
  ~Lifted();
  Lifted(const Lifted&) = delete;
  Lifted& operator=(const Lifted&) = delete;

  /// The session as it was found; nothing where there is none.
  [[nodiscard]] const std::optional<dm::DeviceInfo>& found() const { return found_; }
  [[nodiscard]] std::optional<OurDevice> device() const;
  [[nodiscard]] bool was_held() const { return found_ && found_->suspended; }

 private:
  Holds& holds_;
  std::string volume_;
  std::optional<dm::DeviceInfo> found_;
};

}  // namespace cowshed::layers
