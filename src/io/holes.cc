// SPDX-License-Identifier: Apache-2.0
#include "io/holes.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "base/error.h"

namespace cowshed::io {

namespace {

constexpr Bytes without_end{std::numeric_limits<std::uint64_t>::max()};

std::optional<Bytes> seek(const End& file, Bytes from, int what) {
  const off_t found = ::lseek(file.fd(), static_cast<off_t>(from.count), what);
  if (found >= 0) return Bytes{static_cast<std::uint64_t>(found)};
  if (errno == ENXIO) return std::nullopt;
  throw Error::from_errno(
      errno, fmt::format("find {} from offset {} of '{}'", what == SEEK_DATA ? "data" : "a hole", from.count,
                         file.name().native()));
}

}  // namespace

std::optional<Bytes> next_data(const End& file, Bytes from) { return seek(file, from, SEEK_DATA); }
std::optional<Bytes> next_hole(const End& file, Bytes from) { return seek(file, from, SEEK_HOLE); }

Holes::Holes(const End& file) : file_(file) {
  // Block devices do not know what a hole is (EINVAL).
  if (!file.is_regular()) data_ = {{}, without_end};
}

Bytes Holes::data_at(Bytes offset) {
  look_at(offset);
  return data_.from(offset);
}

Bytes Holes::hole_at(Bytes offset) {
  look_at(offset);
  return hole_.from(offset);
}

void Holes::look_at(Bytes offset) {
  if (data_.from(offset).count != 0 || hole_.from(offset).count != 0) return;
  const auto data = next_data(file_, offset);
  if (data == offset)
    data_ = {offset, next_hole(file_, offset).value_or(without_end)};
  else if (const Bytes end = data.value_or(file_.size()); end > offset)
    hole_ = {offset, end};
  else
    data_ = {offset, without_end};
}

}  // namespace cowshed::io
