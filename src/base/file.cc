// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/undo.h"

namespace cowshed {

namespace {

[[noreturn]] void fail(std::string_view call, const Path& path) {
  throw Error::from_errno(errno, fmt::format("{} '{}'", call, path.native()));
}

FileStat to_file_stat(const struct stat& st, const Path& name) {
  if (!S_ISREG(st.st_mode))
    throw Error(ErrorKind::corrupt_image, fmt::format("'{}' is not a regular file", name.native()));
  return {.id = {st.st_dev, st.st_ino},
          .size = {static_cast<std::uint64_t>(st.st_size)},
          .allocated = to_bytes(Sectors{static_cast<std::uint64_t>(st.st_blocks)}),
          .mode = st.st_mode,
          .modified = static_cast<std::uint64_t>(st.st_mtim.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(st.st_mtim.tv_nsec)};
}

void set_size(const Fd& fd, Bytes size, const Path& name) {
  if (::ftruncate(fd.get(), static_cast<off_t>(size.count)) < 0) {
    if (errno == EFBIG)
      throw Error(ErrorKind::no_space,
                  fmt::format("'{}': {} bytes is larger than this file system's largest file", name.native(),
                              size.count),
                  EFBIG);
    fail("set size of", name);
  }
}

Fd create_and_unlink(const Path& directory) {
  std::string path = (directory / ".cowshed-XXXXXX").native();
  Fd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd.is_open()) fail("create a file in", directory);
  unlink_if_exists(path);
  return fd;
}

Path parent_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

}  // namespace

Fd open_file(const Path& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.is_open()) fail("open", path);
  return fd;
}

std::optional<Fd> open_if_exists(const Path& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (fd.is_open()) return fd;
  if (errno == ENOENT) return std::nullopt;
  fail("open", path);
}

FileStat stat_fd(const Fd& fd, const Path& name) {
  struct stat st {};
  if (::fstat(fd.get(), &st) < 0) fail("stat", name);
  return to_file_stat(st, name);
}

std::optional<FileStat> stat_if_exists(const Path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("stat", path);
  }
  return to_file_stat(st, path);
}

bool path_exists(const Path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  fail("stat", path);
}

namespace {

std::string read_all(const Fd& fd, const Path& path, Bytes limit) {
  std::string content;
  std::array<char, 8 << 10> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      fail("read", path);
    }
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > limit.count)
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("'{}' is larger than {}", path.native(), format_size(limit)));
    // Linux cuts a read of a file short at its end only.
    if (static_cast<std::size_t>(got) < buffer.size()) return content;
  }
}

}  // namespace

std::string read_file(const Path& path, Bytes limit) {
  return read_all(open_file(path, O_RDONLY), path, limit);
}

std::optional<std::string> read_file_if_exists(const Path& path, Bytes limit) {
  const auto fd = open_if_exists(path, O_RDONLY);
  if (!fd) return std::nullopt;
  return read_all(*fd, path, limit);
}

void write_all(const Fd& fd, std::string_view data, const Path& name) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd.get(), data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write", name);
    }
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_file(const Fd& fd, const Path& name) {
  if (::fsync(fd.get()) < 0) fail("fsync", name);
}

void sync_path(const Path& file) { sync_file(open_file(file, O_RDONLY), file); }

namespace {

Fd open_directory(const Path& directory) { return open_file(directory, O_RDONLY | O_DIRECTORY); }

}  // namespace

void sync_directory(const Path& directory) { sync_file(open_directory(directory), directory); }

Path half_made(const Path& path) { return path.native() + ".new"; }

namespace {

/// A temporary file, in place of one that was cut off.
Fd create_afresh(const Path& temporary) {
  unlink_if_exists(temporary);
  return open_file(temporary, O_RDWR | O_CREAT | O_EXCL);
}

}  // namespace

void replace_file(const Path& path, std::string_view content) {
  const Path temporary = half_made(path);
  const Fd fd = create_afresh(temporary);
  Undo undo([&] { unlink_if_exists(temporary); });
  write_all(fd, content, temporary);
  sync_file(fd, temporary);
  rename_durably(temporary, path);
  undo.release();
}

Fd create_sparse(const Path& path, Bytes size) {
  Fd fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  Undo undo([&] { unlink_if_exists(path); });
  set_size(fd, size, path);
  undo.release();
  return fd;
}

namespace {

/// A file without a name; not open where the file system has none.
Fd open_unnamed(const Path& directory) {
  Fd fd(::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  // EISDIR: the file system does not know O_TMPFILE and saw an attempt to write a directory.
  if (!fd.is_open() && errno != EOPNOTSUPP && errno != EISDIR) fail("create a file in", directory);
  return fd;
}

void give_name(const Fd& fd, const Path& path) {
  if (::linkat(AT_FDCWD, path_to(fd).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0)
    fail("create", path);
}

void rename_to_new(const Path& from, const Path& path) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) < 0) fail("create", path);
}

}  // namespace

Fd create_complete(const Path& path, Bytes size, const std::function<void(const Fd&)>& fill) {
  const Path directory = parent_of(path);
  Fd fd = open_unnamed(directory);
  const bool is_unnamed = fd.is_open();
  const Path temporary = half_made(path);
  if (!is_unnamed) fd = create_afresh(temporary);
  Undo undo([&] { unlink_if_exists(temporary); });
  set_size(fd, size, path);
  fill(fd);
  sync_file(fd, path);
  if (is_unnamed)
    give_name(fd, path);
  else
    rename_to_new(temporary, path);
  Undo undo_name([&] { unlink_if_exists(path); });
  // Once more: btrfs logs nothing of a file that has no name yet (fs/btrfs/tree-log.c, i_nlink).
  if (is_unnamed) sync_file(fd, path);
  sync_directory(directory);
  undo_name.release();
  undo.release();
  return fd;
}

Fd create_sparse_durably(const Path& path, Bytes size) {
  return create_complete(path, size, [](const Fd&) {});
}

Fd create_unnamed(const Path& directory, Bytes size) {
  Fd fd = open_unnamed(directory);
  if (!fd.is_open()) fd = create_and_unlink(directory);
  set_size(fd, size, directory);
  return fd;
}

Path path_to(const Fd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

void link_durably(const Path& from, const Path& to) {
  const Fd directory = open_directory(parent_of(to));
  if (::link(from.c_str(), to.c_str()) < 0) fail(fmt::format("link '{}' to", from.native()), to);
  sync_file(directory, parent_of(to));
}

void rename_durably(const Path& from, const Path& to) {
  // Opened first, so that afterwards only the sync itself can fail.
  const Fd directory = open_directory(parent_of(to));
  if (::rename(from.c_str(), to.c_str()) < 0) fail(fmt::format("rename '{}' to", from.native()), to);
  sync_file(directory, parent_of(to));
}

bool unlink_if_exists(const Path& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  fail("unlink", path);
}

bool unlink_durably(const Path& path) {
  if (!path_exists(path)) return false;
  const Fd directory = open_directory(parent_of(path));
  if (!unlink_if_exists(path)) return false;
  sync_file(directory, parent_of(path));
  return true;
}

void make_directories(const Path& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return sync_directory(parent_of(path));
  if (errno == EEXIST) return;
  if (errno != ENOENT) fail("create directory", path);
  make_directories(parent_of(path));
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) fail("create directory", path);
  sync_directory(parent_of(path));
}

void remove_empty_directories(Path path, const Path& stop) {
  for (; path != stop && path.has_relative_path(); path = path.parent_path()) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) continue;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY || errno == ENOTDIR) return;
    fail("remove directory", path);
  }
}

}  // namespace cowshed
