// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/file.h"

/// How the service and who started it talk (sd_listen_fds(3), sd_notify(3)).
namespace cowshed::service {

/// The socket that systemd listens on for us, else one of our own at `path`, whose directory is made. Throws
/// in_use where a service is up already, invalid_argument where systemd gives more than one socket.
Fd listening_socket(const Path& path);

/// Whether systemd listens for us.
bool was_activated();

/// "READY=1", "STATUS=..."; nothing happens without systemd.
void notify(std::string_view state);

}  // namespace cowshed::service
