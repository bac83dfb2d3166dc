// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"

/// The image of a session: a file of its own that shares the extents of the one it was made from, where the
/// file system can; else a sparse copy. All calls block.
namespace cowshed::pools::reflink {

enum class Lifetime {
  /// There after a power loss, whole or not at all.
  saved,
  /// Thrown away at stop.
  transient,
};

/// Makes `image`, which must not exist, of the clean image `from` and remembers of which state.
/// was_written() says no to it.
void make_session_image(const Path& image, const Path& from, Lifetime lifetime);

/// Has a guest written to it since it was made? The kernel says so: the image is made with the modification
/// time 0, and every write sets that; so does another size, which is no write (mark_unwritten()).
bool was_written(const Path& image);
/// As if it had been, now.
void mark_written(const Path& image);
/// As if it had not been. While nobody can write to it: such a write would be forgotten.
void mark_unwritten(const Path& image);

/// Whether what `image` was made from is what `clean` is now: the same file, not written since. The
/// attribute user.cowshed.source of `image` says from which (inode and modification time).
bool is_made_of(const Path& image, const Path& clean);
/// From now on it counts as made of what `clean` is now.
void remember_source(const Path& image, const Path& clean);

/// Whether files in that directory can have such attributes: tried with one of which nothing stays.
bool can_remember_in(const Path& directory);

/// Makes `copy`, which must not exist, with all that `image` holds; not synced.
void copy_image(const Path& image, const Path& copy);

}  // namespace cowshed::pools::reflink
