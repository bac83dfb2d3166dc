// SPDX-License-Identifier: Apache-2.0
#include "app/doctor_file_system.h"

#include <fmt/core.h>

#include <string_view>

namespace cowshed::app {

namespace {

struct Kind {
  std::string_view type;
  Health health;
  std::string_view remark;
};

constexpr const char* on_a_disk = "keep the pool on ext4, XFS or btrfs on a disk of this host";

constexpr std::string_view in_memory = "lies in memory: all is gone after the next boot";
constexpr std::string_view elsewhere =
    "lies on another machine: nothing guards against its other users, and there are no holes or sync as "
    "promised";
constexpr std::string_view read_only = "can only be read";
constexpr std::string_view by_a_program = "is a program's: what is promised after a power cut is up to that";

constexpr Kind kinds[] = {
    {"ext4", Health::good, ""},
    {"xfs", Health::good, ""},
    {"btrfs", Health::good, ""},
    {"tmpfs", Health::warning, in_memory},
    {"ramfs", Health::warning, in_memory},
    {"overlay", Health::warning, "a file that is changed becomes another one there, under those who use it"},
    {"hostfs", Health::warning, "lies on the host of user-mode Linux: no direct I/O, no sync as promised"},
    {"9p", Health::warning, elsewhere},
    {"virtiofs", Health::warning, elsewhere},
    {"nfs", Health::warning, elsewhere},
    {"nfs4", Health::warning, elsewhere},
    {"cifs", Health::warning, elsewhere},
    {"smb3", Health::warning, elsewhere},
    {"ceph", Health::warning, elsewhere},
    {"glusterfs", Health::warning, elsewhere},
    {"vfat", Health::bad, "has no sparse files, and none beyond 4 GiB"},
    {"exfat", Health::bad, "has no sparse files"},
    {"iso9660", Health::bad, read_only},
    {"squashfs", Health::bad, read_only},
    {"erofs", Health::bad, read_only},
};

Kind kind_of(std::string_view type) {
  for (const auto& kind : kinds)
    if (kind.type == type) return kind;
  if (type.starts_with("fuse")) return {type, Health::warning, by_a_program};
  return {type, Health::unknown, "was not tried with cowshed"};
}

std::string shown(const Mount& mount) {
  return fmt::format("{} of {} on {}", mount.type, mount.source, mount.point.native());
}

bool has_any(const Mount& mount, std::initializer_list<const char*> options) {
  for (const char* option : options)
    if (mount.options.contains(option)) return true;
  return false;
}

/// 0 to 100, rounded down.
unsigned percent_free(std::uint64_t available, std::uint64_t all) {
  return all == 0 ? 100
                  : static_cast<unsigned>(static_cast<double>(available) * 100 / static_cast<double>(all));
}

}  // namespace

Finding judge_file_system(const Mount& mount) {
  const Kind kind = kind_of(mount.type);
  if (kind.health == Health::good) return good(shown(mount));
  return {kind.health, fmt::format("{} {}", shown(mount), kind.remark), on_a_disk};
}

Finding judge_options(const Mount& mount) {
  const auto remount = [&](std::string_view option) {
    return fmt::format("mount -o remount,{} {}", option, mount.point.native());
  };
  if (mount.options.contains("ro"))
    return bad(fmt::format("{} is mounted read-only", mount.point.native()), remount("rw"));
  if (has_any(mount, {"nobarrier", "barrier=0"}))
    return bad(
        fmt::format("{} is mounted without barriers: a power cut can lose commits", mount.point.native()),
        remount("barrier"));
  if (has_any(mount, {"sync", "dirsync"}))
    return warning(
        fmt::format("{} is mounted with sync: everything is slower, nothing safer", mount.point.native()),
        remount("async"));
  return good(fmt::format("{} is mounted read-write, with barriers", mount.point.native()));
}

Finding judge_space(const Room& room) {
  constexpr unsigned little = 10;
  constexpr Bytes nothing = mebibytes(64);
  constexpr std::uint64_t no_inodes = 64;
  const auto space = percent_free(room.available.count, room.size.count);
  const auto inodes = percent_free(room.available_inodes, room.inodes);
  std::string seen =
      fmt::format("{} of {} are free ({} %)", format_size(room.available), format_size(room.size), space);
  if (room.inodes > 0) seen += fmt::format(", and {} of {} inodes", room.available_inodes, room.inodes);
  if (space >= little && inodes >= little && room.available >= nothing) return good(seen);
  const bool is_full = room.available < nothing || (room.inodes > 0 && room.available_inodes < no_inodes);
  return bad_if(is_full, seen, "cowshed status tells what takes the space; remove some, or make it larger");
}

}  // namespace cowshed::app
