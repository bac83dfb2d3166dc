// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace cowshed::varlink {

/// Who is at the other end of a connection, as the kernel knows it since the connection was made (unix(7):
/// SO_PEERCRED, SO_PEERGROUPS).
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  /// The others.
  std::vector<gid_t> groups;
};

/// Throws Error.
Peer peer_of(int socket);
/// "uid 1000 (pid 4711)"
std::string to_string(const Peer& peer);

}  // namespace cowshed::varlink
