// SPDX-License-Identifier: Apache-2.0
#include "io/joined_extents.h"

#include <fmt/core.h>

#include <cstdint>
#include <utility>

#include "base/error.h"

namespace cowshed::io {

namespace {

/// off_t is signed, and no file system has more.
constexpr std::uint64_t largest_offset = INT64_MAX;

bool fits(Bytes offset, Bytes length) {
  return offset.count <= largest_offset && length.count <= largest_offset - offset.count;
}

void check(const Extent& extent) {
  if (fits(extent.source, extent.length) && fits(extent.target, extent.length)) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("an extent of {} bytes at offset {}, to be copied to offset {}, is in no file",
                          extent.length.count, extent.source.count, extent.target.count));
}

bool follows(const Extent& first, const Extent& second) {
  return first.source + first.length == second.source && first.target + first.length == second.target;
}

}  // namespace

std::optional<Extent> JoinedExtents::pull() {
  while (!ended_) {
    const auto extent = stream_();
    ended_ = !extent;
    if (!extent || extent->length.count == 0) continue;
    check(*extent);
    return extent;
  }
  return std::nullopt;
}

void JoinedExtents::join_next() {
  while (front_->length < limit_) {
    next_ = pull();
    if (!next_ || !follows(*front_, *next_)) return;
    front_->length = front_->length + next_->length;
    next_.reset();
  }
}

const Extent* JoinedExtents::front() {
  if (front_) return &*front_;
  is_returned_ = !returned_.empty();
  if (is_returned_) {
    front_ = returned_.back();
    returned_.pop_back();
    return &*front_;
  }
  front_ = next_ ? std::exchange(next_, std::nullopt) : pull();
  if (!front_) return nullptr;
  join_next();
  return &*front_;
}

void JoinedExtents::take(Bytes length) {
  front_->source = front_->source + length;
  front_->target = front_->target + length;
  front_->length = front_->length - length;
  if (front_->length.count == 0) front_.reset();
}

}  // namespace cowshed::io
