// SPDX-License-Identifier: Apache-2.0
// ImageVolume: sessions that are held.
#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/undo.h"
#include "layers/lifted.h"
#include "pools/images/image_volume.h"

namespace cowshed::pools::images {

bool ImageVolume::is_held() {
  const auto device = running();
  const auto info = device ? host().control().info(device->uuid) : std::nullopt;
  return info && info->suspended;
}

void ImageVolume::set_properties(VolumeProperties properties) {
  Volume::set_properties(std::move(properties));
  watch();
}

void ImageVolume::watch() {
  if (layers::WatchList* const list = image_pool_.watch_list()) list->watch(key().volume(), watched());
}

void ImageVolume::refuse_unwatched() {
  if (!properties().cow_limit || host().is_guarded()) return;
  throw Error(ErrorKind::not_supported,
              fmt::format("its cow_limit ({}) needs the service, which watches what it writes: start that "
                          "(cowshed serve), or unset the limit (cowshed volume set VM:{} cow_limit none)",
                          format_size(*properties().cow_limit), properties().name.str()));
}

void ImageVolume::refuse_open() {
  const layers::Lifted lifted(host(), key(), guest_roles());
  const auto found = lifted.device();
  if (!found) return;
  const layers::OurDevice& device = *found;
  if (!lifted.was_held()) return layers::refuse_while_open(device, lifted.found());
  dm::Control& control = host().control();
  Undo hold_again([&] { layers::suspend_session(control, device.uuid); });
  // Who still lives writes on meanwhile: not for long, and hardly at all where there is hardly any space.
  constexpr int least = 5, most = 25;
  for (int i = 0; i < most && (i < least || !image_pool_.is_full()); ++i) {
    const auto info = control.info(device.uuid);
    if (!info || info->open_count == 0) break;
    ::usleep(10'000);
  }
  layers::refuse_while_open(control, device);
  hold_again.release();
}

bool ImageVolume::secure_session(const layers::OurDevice& device) {
  const auto info = host().control().info(device.uuid);
  if (!info || !info->suspended) return true;
  if (image_pool_.is_full()) return false;
  host().control().resume(device.uuid);
  return true;
}

void ImageVolume::recover_session(RecoveryReport& report, bool dry_run) try {
  if (host().is_guarded() || !host().has_device_mapper()) return;
  const auto device = running();
  if (!device) return;
  const bool was_held = is_held();
  if (dry_run) {
    if (was_held) report.add(fmt::format("resume suspended {}", device->name.str()));
    return;
  }
  if (secure_session(*device)) {
    if (was_held) report.add(fmt::format("resume suspended {}", device->name.str()));
    return;
  }
  report.fail(fmt::format("volume '{}'", properties().vid.str()),
              Error(ErrorKind::no_space,
                    fmt::format("its session ({}) stays held until there is space: free some, then run "
                                "'cowshed recover'",
                                device->name.str())));
} catch (const Error& error) {
  report.fail(fmt::format("volume '{}'", properties().vid.str()), error);
}

}  // namespace cowshed::pools::images
