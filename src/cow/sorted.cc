// SPDX-License-Identifier: Apache-2.0
#include "cow/sorted.h"

#include <algorithm>
#include <utility>

namespace cowshed::cow {

SortedExceptions::SortedExceptions(ReadAt read, Bytes size, Bytes origin, std::uint64_t held)
    : read_(std::move(read)), size_(size), origin_(origin), held_(std::max<std::uint64_t>(held, 1)) {
  survey();
}

void SortedExceptions::survey() {
  Reader reader(read_, size_, origin_);
  header_ = reader.header();
  // Memory that is not written to costs nothing.
  if (header_) window_.reserve(std::min(held_, size_.count / header_->chunk_size.bytes().count));
  // A chunk has one exception at most, so that `held_` chunks never have more than can be held.
  std::vector<std::uint64_t> counts;
  while (const auto exception = reader.next()) {
    const std::uint64_t part = exception->old_chunk / held_;
    if (part >= counts.size()) counts.resize(part + 1);
    ++counts[part];
    if (count_++ < held_) window_.push_back(*exception);
  }
  if (count_ <= held_) return sort_window();
  window_.clear();
  for (std::uint64_t part = 0; part < counts.size(); ++part) {
    if (windows_.empty() || windows_.back().count + counts[part] > held_) windows_.emplace_back();
    windows_.back().end = (part + 1) * held_;
    windows_.back().count += counts[part];
  }
}

void SortedExceptions::read_window() {
  const std::uint64_t begin = next_window_ == 0 ? 0 : windows_[next_window_ - 1].end;
  const Window& window = windows_[next_window_++];
  window_.clear();
  window_.reserve(window.count);
  at_ = 0;
  Reader reader(read_, size_, origin_);
  while (const auto exception = reader.next())
    if (exception->old_chunk >= begin && exception->old_chunk < window.end) window_.push_back(*exception);
  sort_window();
}

void SortedExceptions::sort_window() { std::ranges::sort(window_, {}, &Exception::old_chunk); }

void SortedExceptions::rewind() {
  at_ = 0;
  next_window_ = 0;
  if (!windows_.empty()) window_.clear();
}

std::optional<Exception> SortedExceptions::next() {
  while (at_ == window_.size()) {
    if (next_window_ == windows_.size()) return std::nullopt;
    read_window();
  }
  return window_[at_++];
}

}  // namespace cowshed::cow
