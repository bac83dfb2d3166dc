// SPDX-License-Identifier: Apache-2.0
#include "support/picture.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "loop/loop.h"

namespace cowshed::test {

namespace {

/// A device may go while we look at it.
template <typename Look>
void look_at_devices(dm::Control& control, Look look) {
  for (const auto& entry : control.list()) {
    try {
      if (const auto info = control.info(entry.number)) look(entry, *info);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
    }
  }
}

std::string table_text(dm::Control& control, dm::DeviceNumber device) {
  std::string text;
  for (const auto& line : control.table(device))
    text += fmt::format(" [{} {} {} {}]", line.start.count, line.length.count, line.type, line.params);
  return text;
}

/// FNV-1a over what is not zero, with its place: holes cost nothing.
std::uint64_t hash_of(const Path& file) {
  const Fd fd = open_file(file, O_RDONLY);
  std::uint64_t hash = 0xcbf29ce484222325U;
  std::array<char, 65536> buffer;
  for (off_t at = ::lseek(fd.get(), 0, SEEK_DATA); at >= 0; at = ::lseek(fd.get(), at, SEEK_DATA)) {
    const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), at);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      const auto byte = static_cast<unsigned char>(buffer[static_cast<std::size_t>(i)]);
      if (byte != 0) hash = (hash ^ byte ^ static_cast<std::uint64_t>(at + i)) * 0x100000001b3U;
    }
    at += got;
  }
  return hash;
}

std::string describe(const std::filesystem::directory_entry& entry, Detail detail) {
  if (entry.is_symlink())
    return fmt::format("{} -> {}", entry.path().native(),
                       std::filesystem::read_symlink(entry.path()).native());
  if (!entry.is_regular_file() || detail == Detail::names) return entry.path().native();
  return fmt::format("{} {} bytes {:016x}", entry.path().native(), entry.file_size(), hash_of(entry.path()));
}

}  // namespace

Picture picture_of_kernel(dm::Control& control) {
  Picture picture;
  look_at_devices(control, [&](const dm::ListEntry& entry, const dm::DeviceInfo& info) {
    picture.push_back(fmt::format("device {} {}{}{}{}", entry.name, entry.uuid,
                                  table_text(control, entry.number), info.suspended ? " suspended" : "",
                                  info.has_inactive_table ? " inactive table" : ""));
  });
  for (const auto& loop : loop::list())
    picture.push_back(fmt::format("loop of {}:{}{}", loop.backing.device, loop.backing.inode,
                                  loop.read_only ? " read-only" : ""));
  std::ranges::sort(picture);
  return picture;
}

Picture disorder_in_kernel(dm::Control& control) {
  Picture picture;
  look_at_devices(control, [&](const dm::ListEntry& entry, const dm::DeviceInfo& info) {
    if (info.suspended) picture.push_back(entry.name + " is suspended");
    if (info.has_inactive_table) picture.push_back(entry.name + " has an inactive table");
    if (!info.has_live_table) picture.push_back(entry.name + " has no table");
    if (entry.name.starts_with("cowshed-gone")) picture.push_back(entry.name + " is still there");
  });
  return picture;
}

Picture picture_of_files(const Path& directory, Detail detail) {
  Picture picture;
  if (!path_exists(directory)) return picture;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const bool is_plain_directory = entry.is_directory() && !entry.is_symlink();
    if (is_plain_directory && detail == Detail::names) continue;
    if (entry.path() == directory / "lock") continue;
    picture.push_back(describe(entry, detail));
  }
  std::ranges::sort(picture);
  return picture;
}

}  // namespace cowshed::test
