// SPDX-License-Identifier: Apache-2.0
// Base: the warm layers that stand on its views (layers/warm.h).
#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "layers/base.h"
#include "layers/warm.h"

namespace cowshed::layers {

WarmStock& Base::warm() const { return host_.warm_of(key_.uuid_prefix()); }

std::size_t Base::refill_warm(const Path& directory, std::size_t wanted, std::size_t at_most) {
  WarmStock& stock = warm();
  const std::lock_guard one_at_a_time(stock.building());
  stock.condemn_surplus(wanted);
  const bool lets_go = !stock.condemned().empty();
  if (const auto why = remove_condemned(host_, stock))
    throw Error(ErrorKind::kernel_refused, fmt::format("a warm layer is left for now: {}", *why));
  // It may have been the last on its view.
  if (lets_go) collect();
  std::size_t made = 0;
  while (made < at_most && stock.missing(wanted) > 0 && add_warm(directory)) ++made;
  return made;
}

bool Base::add_warm(const Path& directory) {
  bool is_added = false;
  with_view([&](const View& view) {
    // It would be outdated in a moment.
    if (is_commit_pending()) return;
    warm().condemn_others_than(view.device, view.length);
    make_warm(host_, warm(), key_, view, directory);
    is_added = true;
  });
  return is_added;
}

void Base::drop_warm() {
  const auto guard = lock();
  WarmStock& stock = warm();
  stock.condemn_all();
  if (stock.condemned().empty()) return;
  if (const auto why = remove_condemned(host_, stock)) host_.leave_to_recovery(*why);
  views_.collect();
}

void Base::discard_warm() {
  WarmStock& stock = warm();
  stock.condemn_all();
  remove_or_warn();
}

bool Base::discard_outdated_warm() {
  WarmStock& stock = warm();
  if (stock.ready() > 0) {
    if (const auto committed = committed_view()) {
      const View view = views_.describe(*committed);
      stock.condemn_others_than(view.device, view.length);
    } else {
      stock.condemn_all();
    }
  }
  const bool are_some = !stock.condemned().empty();
  remove_or_warn();
  return are_some;
}

void Base::remove_or_warn() {
  WarmStock& stock = warm();
  if (stock.condemned().empty()) return;
  if (const auto why = remove_condemned(host_, stock))
    log_warning(fmt::format("a warm layer is left for now: {}", *why));
}

}  // namespace cowshed::layers
