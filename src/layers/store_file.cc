// SPDX-License-Identifier: Apache-2.0
#include "layers/store_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/undo.h"
#include "io/buffers.h"

namespace cowshed::layers {

namespace {

template <typename Look>
auto look_at(const Path& file, Look look) {
  return in_context([&] { return fmt::format("'{}'", file.native()); },
                    [&] {
                      const Fd fd = open_file(file, O_RDONLY);
                      return look(read_from(fd), stat_fd(fd, file).size);
                    });
}

}  // namespace

namespace {

/// `least` bytes, and of the rest what there is.
void read_at_least(const Fd& fd, Bytes offset, std::span<std::byte> into, std::size_t least) {
  for (std::size_t done = 0; done < least;) {
    const ssize_t got =
        ::pread(fd.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset.count + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error::from_errno(errno, "read");
    if (got == 0) throw Error(ErrorKind::corrupt_image, "snapshot store ends in the middle of a chunk");
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace

cow::ReadAt read_from(const Fd& fd) {
  return [&fd](Bytes offset, std::span<std::byte> into) { read_at_least(fd, offset, into, into.size()); };
}

cow::ReadAt read_areas_from(const Fd& fd) {
  constexpr std::uint64_t areas_ahead = 32;
  return [&fd, read = read_from(fd), asked = Bytes{}](Bytes offset, std::span<std::byte> into) mutable {
    if (into.size() > cow::header_size) {
      const Bytes area{into.size() * (into.size() / cow::exception_size + 1)};
      for (Bytes at = std::max(asked, offset + area); at <= offset + area * areas_ahead; at = at + area) {
        ::posix_fadvise(fd.get(), static_cast<off_t>(at.count), static_cast<off_t>(into.size()),
                        POSIX_FADV_WILLNEED);
        asked = at + area;
      }
    }
    read(offset, into);
  };
}

cow::ReadAt read_directly_from(const Fd& fd) {
  // What direct I/O of any device is content with.
  constexpr std::uint64_t unit = 4096;
  return [&fd, pages = std::shared_ptr<io::Buffers>()](Bytes offset, std::span<std::byte> into) mutable {
    const std::uint64_t first = offset.count / unit * unit;
    const std::uint64_t before = offset.count - first;
    const Bytes length{(before + into.size() + unit - 1) / unit * unit};
    if (!pages || Bytes{pages->all().size()} < length) pages = std::make_shared<io::Buffers>(length);
    // The device may end within the last of the pages.
    read_at_least(fd, {first}, pages->all().first(length.count), before + into.size());
    std::ranges::copy(pages->all().subspan(before, into.size()), into.begin());
  };
}

namespace {

/// False: errno says why.
bool write_at(const Fd& fd, Bytes offset, std::span<const std::byte> data) {
  for (std::size_t done = 0; done < data.size();) {
    const ssize_t put =
        ::pwrite(fd.get(), data.data() + done, data.size() - done, static_cast<off_t>(offset.count + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    done += static_cast<std::size_t>(put);
  }
  return true;
}

}  // namespace

cow::WriteAt write_to(const Fd& fd) {
  return [&fd](Bytes offset, std::span<const std::byte> data) {
    if (!write_at(fd, offset, data)) throw Error::from_errno(errno, "write");
  };
}

cow::WriteAt write_to(const Fd& fd, const Path& name) {
  return [&fd, name](Bytes offset, std::span<const std::byte> data) {
    if (!write_at(fd, offset, data))
      throw Error::from_errno(errno, fmt::format("write {} bytes at offset {} of '{}'", data.size(),
                                                 offset.count, name.native()));
  };
}

void create_store_file(const Path& file, Bytes origin, cow::Header header) {
  in_context([&] { return fmt::format("'{}'", file.native()); },
             [&] {
               create_complete(file, cow::persistent_size(origin, header.chunk_size),
                               [&](const Fd& fd) { cow::Writer(write_to(fd), header).finish(); });
             });
}

namespace {

/// `change` says whether there is something to write.
template <typename Change>
bool change_header(const Path& file, Change change) {
  const Fd fd = open_file(file, O_RDWR);
  std::array<std::byte, cow::header_size> raw{};
  return in_context([&] { return fmt::format("'{}'", file.native()); },
                    [&] {
                      read_from(fd)(Bytes{0}, raw);
                      if (!change(std::span(raw))) return false;
                      write_to(fd)(Bytes{0}, raw);
                      sync_file(fd, file);
                      return true;
                    });
}

}  // namespace

bool make_valid(const Path& file) { return change_header(file, cow::mark_valid); }

bool is_marked_invalid(const Path& file) {
  bool is_invalid = false;
  change_header(file, [&](std::span<std::byte, cow::header_size> raw) {
    is_invalid = cow::mark_valid(raw);
    return false;
  });
  return is_invalid;
}

void remember_size(const Path& file, Bytes size) {
  change_header(file, [size](std::span<std::byte, cow::header_size> raw) {
    auto header = cow::parse_header(raw);
    if (!header || header->restores) return false;
    header->restores = size;
    cow::write_header(*header, raw);
    return true;
  });
}

void remember_purpose(const Path& file, Bytes restores, const std::optional<cow::ImageState>& changes) {
  change_header(file, [&](std::span<std::byte, cow::header_size> raw) {
    auto header = cow::parse_header(raw);
    if (!header) return false;
    header->restores = restores;
    header->changes = changes;
    cow::write_header(*header, raw);
    return true;
  });
}

bool is_clean_store(const Path& file) {
  return look_at(file, [](const cow::ReadAt& read, Bytes size) { return cow::is_clean(read, size); });
}

bool changes_nothing(const Path& file, Bytes image) {
  if (!is_clean_store(file)) return false;
  const auto header = read_header(file);
  return !header || header->restores.value_or(image) == image;
}

std::optional<cow::Header> read_header(const Path& file) {
  return look_at(
      file, [](const cow::ReadAt& read, Bytes size) { return cow::Reader(read, size, Bytes{0}).header(); });
}

cow::ChunkSize store_chunk(const Path& file) {
  const auto header = read_header(file);
  return header ? header->chunk_size : base_chunk;
}

bool make_room(const Path& file, Bytes origin) {
  const Bytes needed = cow::persistent_size(origin, store_chunk(file));
  if (stat_if_exists(file).value().size >= needed) return false;
  if (::truncate(file.c_str(), static_cast<off_t>(needed.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}' to {} bytes", file.native(), needed.count));
  sync_path(file);
  return true;
}

cow::StoreSummary check_store_file(const Path& file, Bytes origin) {
  return look_at(
      file, [origin](const cow::ReadAt& read, Bytes size) { return cow::check_store(read, size, origin); });
}

}  // namespace cowshed::layers
