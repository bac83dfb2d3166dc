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

/// Keeps a guard and the operations on a volume (Lifted) from each other. Volumes by VolumeKey::volume().
/// Thread-safe; all block.
class Holds {
 public:
  /// False, without a call, while an operation has the volume.
  bool hold(dm::Control& control, const std::string& volume, const dm::DmUuid& device);
  bool release(dm::Control& control, const std::string& volume, const dm::DmUuid& device);

  void begin_operation(const std::string& volume);
  void end_operation(const std::string& volume);

 private:
  /// Calls `body` unless an operation has the volume.
  template <typename Body>
  bool change(const std::string& volume, Body body);

  std::mutex mutex_;
  std::condition_variable changed_;
  /// Volumes whose sessions are being suspended or resumed by a guard.
  std::set<std::string> changing_;
  /// How many operations have the volume.
  std::map<std::string, int> operations_;
};

}  // namespace cowshed::layers
