// SPDX-License-Identifier: Apache-2.0
#include "io/holes.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/error.h"

namespace cowshed::io {

namespace {

constexpr Bytes without_end{std::numeric_limits<std::uint64_t>::max()};
/// Half a MiB. With more stretches they are short, and the kernel is asked for each.
constexpr std::size_t most_edges = std::size_t{1} << 16;

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
  if (!file.is_regular()) edges_ = {Bytes{}, without_end};
}

Bytes Holes::data_at(Bytes offset) {
  const Stretch stretch = from(offset);
  return stretch.is_data ? stretch.length : Bytes{};
}

Bytes Holes::hole_at(Bytes offset) {
  const Stretch stretch = from(offset);
  return stretch.is_data ? Bytes{} : stretch.length;
}

Holes::Stretch Holes::from(Bytes offset) {
  while ((edges_.empty() || edges_.back() <= offset) && edges_.size() < most_edges) go_on();
  const auto end = std::ranges::upper_bound(edges_, offset);
  if (end == edges_.end()) return ask(offset);
  return {(end - edges_.begin()) % 2 == 1, *end - offset};
}

void Holes::go_on() {
  const Bytes reached = edges_.empty() ? Bytes{} : edges_.back();
  const Stretch next = ask(reached);
  // The first stretch is a hole, if of no length; from there on they take turns.
  const bool is_data = edges_.size() % 2 == 1;
  edges_.push_back(next.is_data == is_data ? reached + next.length : reached);
}

Holes::Stretch Holes::ask(Bytes offset) const {
  const auto data = next_data(file_, offset);
  if (data == offset) return {true, next_hole(file_, offset).value_or(without_end) - offset};
  const Bytes end = data.value_or(file_.size());
  return end > offset ? Stretch{false, end - offset} : Stretch{true, without_end - offset};
}

}  // namespace cowshed::io
