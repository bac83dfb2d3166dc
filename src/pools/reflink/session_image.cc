// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/session_image.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/error.h"
#include "base/undo.h"
#include "io/cached.h"
#include "io/copy_file.h"

namespace cowshed::pools::reflink {

namespace {

constexpr const char* source_attribute = "user.cowshed.source";

std::string text_of(const FileStat& state) { return fmt::format("{} {}", state.id.inode, state.modified); }

void write_source(const Fd& fd, const Path& image, const FileStat& source) {
  const std::string text = text_of(source);
  if (::fsetxattr(fd.get(), source_attribute, text.data(), text.size(), 0) < 0)
    throw Error::from_errno(errno, fmt::format("set attribute {} of '{}'", source_attribute, image.native()));
}

/// Empty where it has none.
std::string read_source(const Path& image) {
  std::array<char, 64> text{};
  const ssize_t length = ::lgetxattr(image.c_str(), source_attribute, text.data(), text.size());
  if (length >= 0) return {text.data(), static_cast<std::size_t>(length)};
  if (errno == ENODATA || errno == ENOENT) return {};
  throw Error::from_errno(errno, fmt::format("read attribute {} of '{}'", source_attribute, image.native()));
}

void mark_unwritten(const Fd& fd, const Path& image) {
  const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = 0, .tv_nsec = 0}};
  if (::futimens(fd.get(), times) < 0)
    throw Error::from_errno(errno, fmt::format("set time of '{}'", image.native()));
}

void copy_all(const Fd& from, const Path& from_name, const Fd& to, const Path& to_name) {
  io::CopyOptions options;
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  io::copy_file(io::End(from, from_name), io::End(to, to_name), options);
}

void create_by(const Path& image, Bytes size, const std::function<void(const Fd&)>& fill) {
  const Fd fd = create_sparse(image, size);
  Undo undo([&] { unlink_if_exists(image); });
  fill(fd);
  undo.release();
}

}  // namespace

void make_session_image(const Path& image, const Path& from, Lifetime lifetime) {
  const Fd source = io::open_to_read_once(from);
  const FileStat state = stat_fd(source, from);
  const auto fill = [&](const Fd& fd) {
    copy_all(source, from, fd, image);
    write_source(fd, image, state);
    mark_unwritten(fd, image);
  };
  if (lifetime == Lifetime::saved)
    create_complete(image, state.size, fill);
  else
    create_by(image, state.size, fill);
}

bool was_written(const Path& image) {
  const auto found = stat_if_exists(image);
  return found && found->modified != 0;
}

void mark_written(const Path& image) {
  if (::utimensat(AT_FDCWD, image.c_str(), nullptr, 0) < 0)
    throw Error::from_errno(errno, fmt::format("touch '{}'", image.native()));
}

void mark_unwritten(const Path& image) { mark_unwritten(open_file(image, O_RDONLY), image); }

bool is_made_of(const Path& image, const Path& clean) {
  const auto now = stat_if_exists(clean);
  return now && read_source(image) == text_of(*now);
}

void remember_source(const Path& image, const Path& clean) {
  const auto now = stat_if_exists(clean);
  if (!now) return;
  write_source(open_file(image, O_RDONLY), image, *now);
}

bool can_remember_in(const Path& directory) {
  const Fd fd = create_unnamed(directory, Bytes{0});
  if (::fsetxattr(fd.get(), source_attribute, "", 0, 0) == 0) return true;
  if (errno == EOPNOTSUPP) return false;
  throw Error::from_errno(errno, fmt::format("set an attribute in '{}'", directory.native()));
}

void copy_image(const Path& image, const Path& copy) {
  const Fd from = io::open_to_read_once(image);
  create_by(copy, stat_fd(from, image).size, [&](const Fd& fd) { copy_all(from, image, fd, copy); });
}

}  // namespace cowshed::pools::reflink
