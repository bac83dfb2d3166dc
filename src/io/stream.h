// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "io/copy.h"

/// Pipes, sockets and terminals, which can only be read or written from beginning to end. Blocks; a signal
/// that interrupts a call has `progress` called, so that it can end the copy.
namespace cowshed::io {

/// Writes all `size` bytes of `source` to `fd`: what `data` gives, rising, and zeros between. Throws Error; a
/// reader that has gone away is one (EPIPE; the caller ignores SIGPIPE).
void write_stream(const ExtentStream& data, const End& source, Bytes size, int fd, const Path& name,
                  const CopyProgress& progress);

/// Reads `fd` to its end into `target`, which is empty; zeros become holes. Returns how much it was. The
/// target is as long as that, and not synced.
Bytes read_stream(int fd, const Path& name, const End& target, const CopyProgress& progress);

}  // namespace cowshed::io
