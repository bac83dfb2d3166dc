// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.h"

#include <fmt/core.h>

namespace cowshed::service {

void Metrics::count_call(std::string_view method, std::chrono::nanoseconds took,
                         const std::optional<ErrorKind>& failure) {
  const std::lock_guard lock(mutex_);
  auto found = calls_.find(method);
  if (found == calls_.end()) found = calls_.emplace(method, Histogram()).first;
  found->second.add(took);
  if (failure) ++failures_[{std::string(method), std::string(to_string(*failure))}];
}

void Metrics::count_refused(std::string_view method) {
  const std::lock_guard lock(mutex_);
  ++failures_[{std::string(method), "not_permitted"}];
}

void Metrics::count_vm(std::string_view what, const std::optional<ErrorKind>& failure) {
  const std::lock_guard lock(mutex_);
  ++vms_[{std::string(what), failure ? std::string(to_string(*failure)) : "done"}];
}

std::string heading(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

std::string histogram_text(std::string_view name, std::string_view label, const Histogram& histogram) {
  std::string text;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < Histogram::bounds.size(); ++i) {
    so_far += histogram.counts().at(i);
    text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, label, Histogram::bounds.at(i), so_far);
  }
  text += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, label, histogram.count());
  text += fmt::format("{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", name, label, histogram.sum(),
                      histogram.count());
  return text;
}

std::string Metrics::calls_text() const {
  const std::lock_guard lock(mutex_);
  std::string text = heading("cowshed_call_seconds", "histogram", "Calls of the service, by method.");
  for (const auto& [method, histogram] : calls_)
    text += histogram_text("cowshed_call_seconds", fmt::format("method=\"{}\"", method), histogram);
  text +=
      heading("cowshed_call_failures_total", "counter", "Calls that failed, by method and kind of error.");
  for (const auto& [key, count] : failures_)
    text += fmt::format("cowshed_call_failures_total{{method=\"{}\",kind=\"{}\"}} {}\n", key.first,
                        key.second, count);
  text += heading("cowshed_vm_operations_total", "counter",
                  "VMs started and stopped, by result: done, or the kind of error.");
  for (const auto& [key, count] : vms_)
    text += fmt::format("cowshed_vm_operations_total{{operation=\"{}\",result=\"{}\"}} {}\n", key.first,
                        key.second, count);
  return text;
}

}  // namespace cowshed::service
