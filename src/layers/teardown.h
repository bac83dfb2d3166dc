// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "dm/targets.h"
#include "layers/host.h"
#include "layers/inventory.h"

namespace cowshed::layers {

/// Device::bring_up for the one device that a volume's guest gets. Its name is taken: throws running.
dm::DeviceNumber bring_up_for_guest(dm::Control& control, const VolumeKey& key, Role role,
                                    std::uint64_t number, const dm::Table& table, bool rw);

/// By deferred removal: should somebody have it open in that moment, it goes when they let go.
void remove_if_there(dm::Control& control, const dm::DmUuid& uuid);

/// While a thread has one, what it lets go is taken down before that returns. Who stops many at once waits
/// for the last of them: nobody gains by an early answer then. To set a device aside for it is one more call
/// and one more event of the kernel, and costs more than the removals where those overlap in all threads
/// (measured on two CPUs, docs/benchmarks.md).
class StopsTogether {
 public:
  StopsTogether();
  ~StopsTogether();
  StopsTogether(const StopsTogether&) = delete;
  StopsTogether& operator=(const StopsTogether&) = delete;

  /// This thread has one.
  static bool is_here();
};

/// Takes a throw-away layer down, with everything under it that only it held; then `afterwards` runs, and
/// what fails there is left to recovery. Where the kernel waits out grace periods (Host::removal_waits) the
/// answer does not, unless there are StopsTogether: the layer is renamed at once, so that it is not found any
/// more and its volume may start again, and removed by the host's threads, where a failure is left to
/// recovery, too. Throws in_use while the device is open.
void let_go(Host& host, const OurDevice& device, std::function<void()> afterwards);

/// For what is left to do once all that was asked for is done: a failure is left to recovery.
void do_or_leave(Host& host, const std::function<void()>& body);

}  // namespace cowshed::layers
