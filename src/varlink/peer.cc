// SPDX-License-Identifier: Apache-2.0
#include "varlink/peer.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed::varlink {

namespace {

std::vector<gid_t> groups_of(int socket) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    groups.resize(size / sizeof(gid_t));
    if (result == 0) return groups;
    if (errno != ERANGE) throw Error::from_errno(errno, "ask for the peer's groups");
  }
}

}  // namespace

Peer peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
    throw Error::from_errno(errno, "ask who the peer is");
  return {credentials.pid, credentials.uid, credentials.gid, groups_of(socket)};
}

std::string to_string(const Peer& peer) { return fmt::format("uid {} (pid {})", peer.uid, peer.pid); }

}  // namespace cowshed::varlink
