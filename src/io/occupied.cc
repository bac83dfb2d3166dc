// SPDX-License-Identifier: Apache-2.0
#include "io/occupied.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "base/error.h"

namespace cowshed::io {

namespace {

struct Stretch {
  std::uint64_t begin, end;
  auto operator<=>(const Stretch&) const = default;
};

/// FIEMAP's reply with room for so many extents.
struct Reply {
  static constexpr std::size_t room = 256;
  alignas(fiemap) std::array<std::byte, sizeof(fiemap) + room * sizeof(fiemap_extent)> memory{};
  fiemap& head() { return *reinterpret_cast<fiemap*>(memory.data()); }
};

/// Extents of many files, by where they lie on the disk.
class Occupied {
 public:
  void add(const Path& file) {
    const auto fd = open_if_exists(file, O_RDONLY);
    if (!fd) return;
    for (std::uint64_t at = 0; at != end_of_file;) {
      Reply reply;
      reply.head().fm_start = at;
      reply.head().fm_length = FIEMAP_MAX_OFFSET - at;
      reply.head().fm_extent_count = Reply::room;
      if (::ioctl(fd->get(), FS_IOC_FIEMAP, &reply.head()) < 0) return add_untold(*fd, file);
      at = add(reply.head());
    }
  }

  [[nodiscard]] Bytes total() {
    std::ranges::sort(placed_);
    std::uint64_t reached = 0;
    Bytes sum = unplaced_;
    for (const Stretch& stretch : placed_) {
      const auto begin = std::max(stretch.begin, reached);
      if (stretch.end <= begin) continue;
      sum.count += stretch.end - begin;
      reached = stretch.end;
    }
    return sum;
  }

 private:
  static constexpr std::uint64_t end_of_file = ~std::uint64_t{0};

  /// Where to go on.
  std::uint64_t add(const fiemap& reply) {
    std::uint64_t next = end_of_file;
    for (std::uint32_t i = 0; i < reply.fm_mapped_extents; ++i) {
      const fiemap_extent& extent = reply.fm_extents[i];
      const bool has_place = (extent.fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DATA_INLINE)) == 0;
      if (has_place)
        placed_.push_back({extent.fe_physical, extent.fe_physical + extent.fe_length});
      else
        unplaced_.count += extent.fe_length;
      const bool is_last = (extent.fe_flags & FIEMAP_EXTENT_LAST) != 0;
      next = is_last ? end_of_file : extent.fe_logical + extent.fe_length;
    }
    return next;
  }

  void add_untold(const Fd& fd, const Path& file) {
    if (errno != EOPNOTSUPP && errno != ENOTTY)
      throw Error::from_errno(errno, fmt::format("list the extents of '{}'", file.native()));
    unplaced_ = unplaced_ + stat_fd(fd, file).allocated;
  }

  std::vector<Stretch> placed_;
  Bytes unplaced_;
};

}  // namespace

Bytes occupied(std::span<const Path> files) {
  Occupied all;
  for (const Path& file : files) all.add(file);
  return all.total();
}

}  // namespace cowshed::io
