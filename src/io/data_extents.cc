// SPDX-License-Identifier: Apache-2.0
#include "io/data_extents.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed::io {

namespace {

class DataExtents {
 public:
  explicit DataExtents(const End& source) : source_(source) {}

  std::optional<Extent> operator()() {
    const auto begin = seek(end_, SEEK_DATA);
    if (!begin) return std::nullopt;
    end_ = seek(*begin, SEEK_HOLE).value_or(*begin);
    return Extent{*begin, *begin, end_ - *begin};
  }

 private:
  /// Nothing: there is none from `offset` on.
  [[nodiscard]] std::optional<Bytes> seek(Bytes offset, int what) const {
    const off_t found = ::lseek(source_.fd(), static_cast<off_t>(offset.count), what);
    if (found >= 0) return Bytes{static_cast<std::uint64_t>(found)};
    if (errno == ENXIO) return std::nullopt;
    throw Error::from_errno(
        errno, fmt::format("find {} from offset {} of '{}'", what == SEEK_DATA ? "data" : "a hole",
                           offset.count, source_.name().native()));
  }

  const End& source_;
  Bytes end_;
};

}  // namespace

ExtentStream data_extents(const End& source) {
  // Block devices do not know what a hole is (EINVAL).
  if (!source.is_regular()) return stream_of({{{}, {}, source.size()}});
  return DataExtents(source);
}

}  // namespace cowshed::io
