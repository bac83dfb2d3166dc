// SPDX-License-Identifier: Apache-2.0
#include "varlink/socket.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace cowshed::varlink {

namespace {

constexpr int backlog = 1024;

[[noreturn]] void fail(const char* what, const Path& path) {
  throw Error::from_errno(errno, fmt::format("{} '{}'", what, path.native()));
}

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  static_assert(sizeof(address.sun_path) == max_socket_path + 1);
  address.sun_family = AF_UNIX;
  if (path.native().size() > max_socket_path)
    throw Error(ErrorKind::invalid_argument, fmt::format("'{}' is too long for a socket: more than {} bytes",
                                                         path.native(), max_socket_path));
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

Fd make_socket(int flags) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) throw Error::from_errno(errno, "make a socket");
  return Fd(fd);
}

/// 0, or the errno.
int try_connect(const Fd& fd, const Path& path) {
  const auto address = address_of(path);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

void remove_abandoned(const Path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) < 0) return;
  if (!S_ISSOCK(st.st_mode))
    throw Error(ErrorKind::exists, fmt::format("'{}' is there already, and is no socket", path.native()));
  const int error = try_connect(make_socket(0), path);
  if (error == 0 || error == EAGAIN)
    throw Error(ErrorKind::in_use, fmt::format("somebody listens on '{}' already", path.native()));
  if (error == ECONNREFUSED) unlink_if_exists(path);
}

}  // namespace

Fd listen_on(const Path& path) {
  const auto address = address_of(path);
  remove_abandoned(path);
  Fd fd = make_socket(SOCK_NONBLOCK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
    fail("make the socket", path);
  if (::chmod(path.c_str(), 0666) < 0 || ::listen(fd.get(), backlog) < 0) fail("listen on", path);
  return fd;
}

Fd connect_to(const Path& path) {
  Fd fd = make_socket(0);
  errno = try_connect(fd, path);
  if (errno != 0) fail("connect to", path);
  return fd;
}

std::optional<Fd> connect_if_there(const Path& path) {
  Fd fd = make_socket(0);
  switch (try_connect(fd, path)) {
    case 0:
      return fd;
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR:
    case EACCES:
      return std::nullopt;
    default:
      fail("connect to", path);
  }
}

}  // namespace cowshed::varlink
