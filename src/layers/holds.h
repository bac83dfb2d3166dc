// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "dm/control.h"

/// Sessions whose guests are made to wait: the device is suspended, I/O queues in the kernel until it is
/// resumed, and nothing fails. Whether a session is held only the kernel knows; here is only who may change
/// it.
namespace cowshed::layers {

/// Without flush and without freezing a file system (DM_NOFLUSH_FLAG, DM_SKIP_LOCKFS_FLAG): both would write
/// through the device, and wait for what may never come. It waits for what is under way below, which ends
/// with or without space. Only devices of Tier::guest, on which no device stands, are ever held.
void suspend_session(dm::Control& control, const dm::DmUuid& uuid);

/// Keeps a guard and the operations on a volume from each other. Thread-safe; all block.
class Holds {
 public:
  /// False, without a call, while an operation has the device (Lifted).
  bool hold(dm::Control& control, const dm::DmUuid& device);
  bool release(dm::Control& control, const dm::DmUuid& device);

  /// While it lives the device is not held: what ends a session needs its guest's last I/O to end, and the
  /// guest to be able to close it.
  class Lifted {
   public:
    /// Resumes a held device.
    Lifted(Holds& holds, dm::Control& control, const dm::DmUuid& device);
    ~Lifted();
    Lifted(const Lifted&) = delete;
    Lifted& operator=(const Lifted&) = delete;
    [[nodiscard]] bool was_held() const { return was_held_; }

   private:
    Holds& holds_;
    std::string uuid_;
    bool was_held_ = false;
  };

 private:
  /// Calls `body` unless an operation has the device.
  template <typename Body>
  bool change(const std::string& uuid, Body body);
  void begin_operation(const std::string& uuid);
  void end_operation(const std::string& uuid);

  std::mutex mutex_;
  std::condition_variable changed_;
  /// Devices that are being suspended or resumed by a guard.
  std::set<std::string> changing_;
  /// How many operations have the device.
  std::map<std::string, int> operations_;
};

}  // namespace cowshed::layers
