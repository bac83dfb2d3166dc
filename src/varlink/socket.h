// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/file.h"

namespace cowshed::varlink {

/// Longest path of a socket (unix(7)).
constexpr std::size_t max_socket_path = 107;

/// Listens on `path`, with access for everybody: who may do what is decided by who is at the other end. A
/// socket that nobody listens on any more is replaced. Throws in_use where somebody does, invalid_argument
/// for a path that is too long, exists where something else is there.
Fd listen_on(const Path& path);
/// Blocks. Throws Error; not_found and ECONNREFUSED say that nobody listens.
Fd connect_to(const Path& path);
/// Nothing where nobody listens, or may be reached by us.
std::optional<Fd> connect_if_there(const Path& path);

}  // namespace cowshed::varlink
