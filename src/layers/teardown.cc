// SPDX-License-Identifier: Apache-2.0
#include "layers/teardown.h"

#include <fmt/core.h>

#include <system_error>

#include "base/error.h"
#include "dm/device.h"

namespace cowshed::layers {

dm::DeviceNumber bring_up_for_guest(dm::Control& control, const VolumeKey& key, Role role,
                                    std::uint64_t number, const dm::Table& table, bool rw) {
  try {
    return dm::Device::bring_up(control, key.name(role, number), key.uuid(role, number), table, !rw).keep();
  } catch (Error& error) {
    if (error.kind() != ErrorKind::exists || !control.info(key.name(role, number))) throw;
    throw Error(ErrorKind::running, fmt::format("is running already: {}", error.message()),
                error.error_number());
  }
}

void remove_if_there(dm::Control& control, const dm::DmUuid& uuid) {
  try {
    control.remove(uuid, true);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

void do_or_leave(Host& host, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& failure) {
    host.leave_to_recovery(failure.what());
  }
}

namespace {

thread_local int stops_together = 0;

}  // namespace

StopsTogether::StopsTogether() { ++stops_together; }
StopsTogether::~StopsTogether() { --stops_together; }
bool StopsTogether::is_here() { return stops_together > 0; }

void let_go(Host& host, const OurDevice& device, std::function<void()> afterwards) {
  dm::Control& control = host.control();
  if (!host.removal_waits() || StopsTogether::is_here()) {
    remove_unopened(control, device);
    return do_or_leave(host, afterwards);
  }
  refuse_while_open(control, device);
  // By name: the kernel renames by name only, any other id costs a question first.
  control.rename(device.name, gone_name(device.device));
  const auto remove = [&host, &control, uuid = device.uuid, afterwards = std::move(afterwards)] {
    do_or_leave(host, [&] {
      remove_if_there(control, uuid);
      afterwards();
    });
  };
  try {
    host.workers().submit(remove);
  } catch (const std::system_error&) {
    // No thread is to be had.
    remove();
  }
}

}  // namespace cowshed::layers
