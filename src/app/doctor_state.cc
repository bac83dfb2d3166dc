// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "app/doctor_parts.h"
#include "app/vm_names.h"
#include "base/error.h"

namespace cowshed::app {

namespace {

std::optional<struct stat> status_of(const Path& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) return st;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw Error::from_errno(errno, fmt::format("look at '{}'", path.native()));
}

/// Everybody may make and rename what they like there.
bool is_open_to_all(const struct stat& st) {
  return (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0;
}

/// The first of the directories above in which everybody may put another one in its place.
std::optional<Path> unsafe_parent(const Path& directory) {
  for (Path parent = directory.parent_path(); parent.has_relative_path(); parent = parent.parent_path())
    if (const auto st = status_of(parent); st && is_open_to_all(*st)) return parent;
  return std::nullopt;
}

Finding owned(const Path& directory, const struct stat& st) {
  const std::string& name = directory.native();
  const unsigned mode = st.st_mode & 07777U;
  if ((mode & S_IWOTH) != 0)
    return bad(fmt::format("everybody may write in '{}' (mode {:o})", name, mode),
               fmt::format("chmod o-w {}", name));
  if (st.st_uid != 0 && st.st_uid != ::geteuid())
    return bad(fmt::format("'{}' belongs to user {}, who can change what root runs", name, st.st_uid),
               fmt::format("chown root: {}", name));
  if (const auto parent = unsafe_parent(directory))
    return bad(fmt::format("everybody may replace '{}': '{}' is open to all", name, parent->native()),
               fmt::format("chmod o-w {}", parent->native()));
  if ((mode & S_IWGRP) != 0)
    return warning(fmt::format("the group {} may write in '{}' (mode {:o})", st.st_gid, name, mode),
                   fmt::format("chmod g-w {}", name));
  return good(fmt::format("'{}' belongs to user {}, mode {:o}", name, st.st_uid, mode));
}

Finding directory(const Path& directory) {
  const auto st = status_of(directory);
  if (!st)
    return good(fmt::format("'{}' does not exist yet; it is made when it is needed", directory.native()));
  if (!S_ISDIR(st->st_mode))
    return bad(fmt::format("'{}' is no directory", directory.native()),
               "move it away, or name another one with --state");
  return owned(directory, *st);
}

Finding config(const Locations& locations, Definitions& definitions) {
  const Path file = locations.config();
  try {
    const auto text = read_file_if_exists(file, definition_limit);
    if (!text) return good(fmt::format("'{}' does not exist yet: nothing was created so far", file.native()));
    definitions.config = decode_config(*text, file);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::permission) throw;
    return bad(error.message(), fmt::format("put it right in {}", file.native()));
  }
  return good(fmt::format("'{}' is sound, {} pools", file.native(), definitions.config->pools.size()));
}

Finding vms(const Locations& locations, Definitions& definitions) {
  std::size_t broken = 0;
  std::string first;
  for (const auto& name : names_in(locations.vms(), Locations::definition_suffix)) {
    const Path file = locations.vm(name);
    try {
      definitions.vms.emplace(name, decode_vm(read_file(file, definition_limit), file));
    } catch (const Error& error) {
      // Removed meanwhile.
      if (error.kind() == ErrorKind::not_found) continue;
      if (error.kind() == ErrorKind::permission) throw;
      if (broken++ == 0) first = error.message();
    }
  }
  if (broken == 0) return good(fmt::format("{} definitions of VMs, all sound", definitions.vms.size()));
  return bad(fmt::format("{} definition(s) of VMs cannot be used, first: {}", broken, first),
             "put right what is named");
}

/// True where somebody takes connections there.
bool is_answered(const Path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return false;
  socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  if (errno == EACCES) throw Error::from_errno(errno, fmt::format("connect to '{}'", socket.native()));
  // It is there, but has more to do than it takes on.
  return errno == EAGAIN;
}

Finding service(const Locations& locations) {
  const Path socket = locations.run / "io.cowshed";
  if (!path_exists(socket)) return good("no service runs; commands do their work themselves");
  if (is_answered(socket)) return good(fmt::format("a service listens on '{}'", socket.native()));
  return warning(
      fmt::format("nobody listens on '{}': a service has ended without removing it", socket.native()),
      fmt::format("rm {}", socket.native()));
}

}  // namespace

void check_state(Checkup& checkup, const Locations& locations, Definitions& definitions) {
  checkup.check("state.directory", [&] { return directory(locations.state); });
  checkup.check("run.directory", [&] { return directory(locations.run); });
  checkup.check("state.config", [&] { return config(locations, definitions); });
  checkup.check("state.vms", [&] { return vms(locations, definitions); });
  checkup.check("service", [&] { return service(locations); });
}

}  // namespace cowshed::app
