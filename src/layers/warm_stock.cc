// SPDX-License-Identifier: Apache-2.0
#include "layers/warm_stock.h"

#include <algorithm>

namespace cowshed::layers {

std::optional<WarmLayer> WarmStock::take(dm::DeviceNumber view, Sectors length) {
  const std::lock_guard guard(mutex_);
  const auto found = std::ranges::find_if(
      ready_, [&](const WarmLayer& layer) { return layer.view == view && layer.length == length; });
  if (found == ready_.end()) {
    ++misses_;
    return std::nullopt;
  }
  WarmLayer layer = std::move(*found);
  ready_.erase(found);
  ++hits_;
  return layer;
}

void WarmStock::count_failure() {
  --hits_;
  ++misses_;
}

std::size_t WarmStock::missing(std::size_t wanted) const {
  const std::size_t there = ready();
  return wanted > there ? wanted - there : 0;
}

std::size_t WarmStock::ready() const {
  const std::lock_guard guard(mutex_);
  return ready_.size();
}

bool WarmStock::has_anything() const {
  const std::lock_guard guard(mutex_);
  return !ready_.empty() || !condemned_.empty();
}

bool WarmStock::owns(std::string_view name) const {
  const auto is_it = [&](const dm::DmName& other) { return other.str() == name; };
  const std::lock_guard guard(mutex_);
  return std::ranges::any_of(ready_, is_it, &WarmLayer::name) || std::ranges::any_of(announced_, is_it) ||
         std::ranges::any_of(condemned_, is_it);
}

void WarmStock::announce(const dm::DmName& name) {
  const std::lock_guard guard(mutex_);
  announced_.push_back(name);
}

void WarmStock::add(WarmLayer layer) {
  const std::lock_guard guard(mutex_);
  std::erase(announced_, layer.name);
  ready_.push_back(std::move(layer));
}

void WarmStock::give_up(const dm::DmName& name) {
  const std::lock_guard guard(mutex_);
  std::erase(announced_, name);
}

template <typename Predicate>
void WarmStock::condemn_if(Predicate predicate) {
  const std::lock_guard guard(mutex_);
  std::erase_if(ready_, [&](const WarmLayer& layer) {
    if (!predicate(layer)) return false;
    condemned_.push_back(layer.name);
    return true;
  });
}

void WarmStock::condemn_all() {
  condemn_if([](const WarmLayer&) { return true; });
}

void WarmStock::condemn_others_than(dm::DeviceNumber view, Sectors length) {
  condemn_if([&](const WarmLayer& layer) { return layer.view != view || layer.length != length; });
}

void WarmStock::condemn_surplus(std::size_t wanted) {
  std::size_t left = wanted;
  condemn_if([&](const WarmLayer&) {
    if (left == 0) return true;
    --left;
    return false;
  });
}

std::vector<dm::DmName> WarmStock::condemned() const {
  const std::lock_guard guard(mutex_);
  return condemned_;
}

void WarmStock::condemn(const dm::DmName& name) {
  const std::lock_guard guard(mutex_);
  condemned_.push_back(name);
}

void WarmStock::removed(const dm::DmName& name) {
  const std::lock_guard guard(mutex_);
  std::erase(condemned_, name);
}

}  // namespace cowshed::layers
