// SPDX-License-Identifier: Apache-2.0
#include "layers/ephemeral.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/secret.h"
#include "dm/crypt_key.h"
#include "dm/device.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "layers/teardown.h"

namespace cowshed::layers {

namespace {

constexpr std::string_view cipher = "aes-xts-plain64";
/// AES-256, and XTS takes two of them.
constexpr std::size_t key_size = 512 / 8;

bool has_target(dm::Control& control, std::string_view type) {
  return std::ranges::any_of(control.target_versions(),
                             [&](const dm::TargetVersion& target) { return target.name == type; });
}

/// Runs `body`, which loads a table of that target. The kernel has tried to load the module, and does not
/// say what is missing (dm_table_add_target: EINVAL; crypt_alloc_tfms: ENOENT).
template <typename Body>
auto naming_what_is_missing(dm::Control& control, std::string_view type, Body body) {
  try {
    return body();
  } catch (const Error& error) {
    const int number = error.error_number();
    if (number == EINVAL && !has_target(control, type))
      throw Error(
          ErrorKind::not_supported,
          fmt::format("the kernel has no device-mapper target '{}': load its module, dm_{}", type, type),
          number);
    if (number == ENOENT)
      throw Error(ErrorKind::not_supported,
                  fmt::format("the kernel has no cipher {}: load its modules, xts and aes", cipher), number);
    throw;
  }
}

dm::Device bring_up_zero(dm::Control& control, const VolumeKey& key, std::uint64_t number, Sectors length) {
  return naming_what_is_missing(control, dm::Zero::type, [&] {
    return dm::Device::bring_up(control, key.name(Role::zero, number), key.uuid(Role::zero, number),
                                dm::whole_device(length, dm::Zero{}));
  });
}

/// A table with a key of its own, which is forgotten when this returns.
void load_crypt(dm::Device& device, const dm::DmUuid& uuid, dm::DeviceNumber disk, Sectors length) {
  const Secret secret = Secret::random(key_size);
  dm::CryptKey key(secret, "cowshed:" + uuid.str());
  const dm::Crypt table{.cipher = std::string(cipher),
                        .key = key.text(),
                        .iv_offset = 0,
                        .device = disk,
                        .offset = {},
                        .features = {}};
  device.load(dm::whole_device(length, table), false, key.is_text_secret());
  key.withdraw();
}

dm::Device bring_up_crypt(dm::Control& control, const VolumeKey& key, const loop::Loop& disk,
                          Sectors length) {
  const auto number = static_cast<std::uint64_t>(disk.number());
  const dm::DmUuid uuid = key.uuid(Role::crypt, number);
  return naming_what_is_missing(control, dm::Crypt::type, [&] {
    dm::Device device = dm::Device::create(control, key.name(Role::crypt, number), uuid);
    load_crypt(device, uuid, device_number(disk), length);
    device.resume();
    return device;
  });
}

}  // namespace

Running start_ephemeral(Host& host, const VolumeKey& key, const Path& directory, Bytes size) {
  dm::Control& control = host.control();
  const Bytes store_size = cow::transient_size(size, upper_chunk);
  const Fd file = create_unnamed(directory, store_size);
  const auto disk = loop::Loop::attach(file, directory, {.direct_io = true, .autoclear = true});
  const auto number = static_cast<std::uint64_t>(disk.number());
  dm::Device crypt = bring_up_crypt(control, key, disk, to_sectors(store_size));
  dm::Device zero = bring_up_zero(control, key, number, to_sectors(size));
  // Discards are not for it: dm-crypt would have to store encrypted zeros for them.
  const dm::Snapshot table{.origin = zero.number(),
                           .cow = crypt.number(),
                           .store = dm::ExceptionStore::transient,
                           .chunk_size = upper_chunk.sectors()};
  const auto device = bring_up_for_guest(control, key, Role::ephemeral, number,
                                         dm::whole_device(to_sectors(size), table), true);
  zero.keep();
  crypt.keep();
  return {device, true};
}

void stop_ephemeral(Host& host, const VolumeKey& key, const OurDevice& device) {
  // In this order: as long as the crypt device holds its loop device, no other volume gets that number.
  let_go(host, device,
         [&host, zero = key.uuid(Role::zero, device.number), crypt = key.uuid(Role::crypt, device.number)] {
           remove_if_there(host.control(), zero);
           remove_if_there(host.control(), crypt);
         });
}

}  // namespace cowshed::layers
