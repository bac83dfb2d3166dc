// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <compare>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/units.h"

/// Files, as the storage code needs them: every failure is an Error that names the path, every descriptor is
/// O_CLOEXEC, and what has to survive a power loss is synced by name. All functions block.
namespace cowshed {

using Path = std::filesystem::path;

/// What a loop device reports of its backing file (LOOP_GET_STATUS64: lo_device, lo_inode), and the one
/// identity of a file that survives a rename.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

/// `flags` as open(2); O_CLOEXEC is added.
Fd open_file(const Path& path, int flags, mode_t mode = 0600);
/// Nothing where the file does not exist; other failures throw.
std::optional<Fd> open_if_exists(const Path& path, int flags, mode_t mode = 0600);

/// A regular file's identity and sizes. Throws corrupt_image for what is no regular file; a symbolic link is
/// not followed.
struct FileStat {
  FileId id;
  Bytes size;
  Bytes allocated;
  mode_t mode = 0;
  /// When it was last written: ns since the epoch.
  std::uint64_t modified = 0;
};
FileStat stat_fd(const Fd& fd, const Path& name);
std::optional<FileStat> stat_if_exists(const Path& path);
bool path_exists(const Path& path);

/// The whole of a regular file, or of a short one of proc or sysfs; refuses more than `limit` bytes
/// (invalid_argument).
std::string read_file(const Path& path, Bytes limit);
/// The same; nothing where it does not exist.
std::optional<std::string> read_file_if_exists(const Path& path, Bytes limit);
/// Writes everything or throws.
void write_all(const Fd& fd, std::string_view data, const Path& name);

void sync_file(const Fd& fd, const Path& name);
void sync_path(const Path& file);
void sync_directory(const Path& directory);

/// Replaces `path` atomically and durably: temporary file beside it, fsync, rename, fsync of the directory.
void replace_file(const Path& path, std::string_view content);
/// The file beside `path` that is to become it. Cut off, it stays: whoever makes `path` the next time removes
/// it first, and so does whoever removes `path`.
Path half_made(const Path& path);

/// A new file of `size` zero bytes without blocks; not synced. Fails when it exists.
Fd create_sparse(const Path& path, Bytes size);
/// As create_sparse, but it gets its name when `fill` is done with it and it is synced together with its
/// directory: cut off at any point, `path` is complete, or it does not exist. Where the file system knows no
/// file without a name (O_TMPFILE) it is made as half_made(path).
Fd create_complete(const Path& path, Bytes size, const std::function<void(const Fd&)>& fill);
/// The same without contents.
Fd create_sparse_durably(const Path& path, Bytes size);
/// As create_sparse, but never named: gone when the last descriptor and loop device let go of it. `directory`
/// says on which file system.
Fd create_unnamed(const Path& directory, Bytes size);

/// A path to an open file, which may have no other; good in this process for as long as it is open.
Path path_to(const Fd& fd);

/// link(2), then fsync of the directory.
void link_durably(const Path& from, const Path& to);
/// rename(2) within one directory, then its fsync.
void rename_durably(const Path& from, const Path& to);
/// unlink(2), then fsync of the directory. False where the file was not there.
bool unlink_durably(const Path& path);
/// unlink(2) without a sync; false where the file was not there.
bool unlink_if_exists(const Path& path);

/// mkdir -p; each new directory is synced into its parent.
void make_directories(const Path& path);
/// rmdir of `path` and then of its parents, below `stop`, as long as they are empty. A symbolic link, which
/// somebody else has put there, stays.
void remove_empty_directories(Path path, const Path& stop);

}  // namespace cowshed
