// SPDX-License-Identifier: Apache-2.0
#include "service/space_watch.h"

#include <fmt/core.h>

#include "base/log.h"
#include "service/metrics.h"

namespace cowshed::service {

namespace {

std::string describe(const GuardEvent& event) {
  if (!event.message.empty()) return event.message;
  std::string text = fmt::format("{} of {} bytes", event.now.count, event.limit.count);
  if (event.reason) text = fmt::format("{}: {}", to_string(*event.reason), text);
  return text;
}

template <typename Name>
std::optional<std::string> text_of(const std::optional<Name>& name) {
  return name ? std::optional(name->str()) : std::nullopt;
}

}  // namespace

void SpaceWatch::tell(const app::SpaceReport::Event& found) {
  const auto& event = found.event;
  const auto message = describe(event);
  api::Event told{.kind = std::string(to_string(event.kind)), .pool = found.pool.str(), .message = message};
  told.vm = text_of(found.vm);
  told.volume = text_of(found.volume);
  log_info(fmt::format("pool '{}'{}{}: {}: {}", found.pool.str(), event.vid.empty() ? "" : ": ", event.vid,
                       told.kind, message));
  events_.publish(std::move(told));
}

std::chrono::milliseconds SpaceWatch::look() {
  auto report = app_.guard_space();
  for (const auto& event : report.events) tell(event);
  const std::lock_guard lock(mutex_);
  last_ = std::move(report);
  return last_.next;
}

std::string SpaceWatch::metrics_text() {
  std::string held = heading("cowshed_held_sessions", "gauge", "Sessions that wait for space.");
  std::string low = heading("cowshed_pool_low", "gauge", "1 where a pool is fuller than its space_warning.");
  std::string full =
      heading("cowshed_pool_full_seconds", "gauge", "When it is full at the rate of the last minute.");
  const std::lock_guard lock(mutex_);
  for (const auto& [name, report] : last_.pools) {
    const auto label = fmt::format("pool=\"{}\"", name.str());
    held += fmt::format("cowshed_held_sessions{{{}}} {}\n", label, report.held);
    low += fmt::format("cowshed_pool_low{{{}}} {}\n", label, int{report.is_low});
    if (report.full_in)
      full += fmt::format("cowshed_pool_full_seconds{{{}}} {}\n", label, report.full_in->count());
  }
  return held + low + full;
}

}  // namespace cowshed::service
