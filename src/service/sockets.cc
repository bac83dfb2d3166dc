// SPDX-License-Identifier: Apache-2.0
#include "service/sockets.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "varlink/socket.h"

namespace cowshed::service {

namespace {

Fd activated_socket() {
  Fd fd(SD_LISTEN_FDS_START);
  if (::sd_is_socket_unix(fd.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
    throw Error(ErrorKind::invalid_argument,
                "what systemd gave is no stream socket that listens: ListenStream=");
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    throw Error::from_errno(errno, "use the socket that systemd gave");
  return fd;
}

}  // namespace

bool was_activated() { return ::sd_listen_fds(0) > 0; }

Fd listening_socket(const Path& path) {
  const int count = ::sd_listen_fds(1);
  if (count > 1) throw Error(ErrorKind::invalid_argument, "systemd gave more than one socket");
  if (count == 1) return activated_socket();
  make_directories(path.parent_path());
  return varlink::listen_on(path);
}

void notify(std::string_view state) { ::sd_notify(0, std::string(state).c_str()); }

}  // namespace cowshed::service
