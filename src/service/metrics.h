// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/histogram.h"

namespace cowshed::service {

/// What the service counts, in Prometheus' text format (prometheus.io: "Exposition formats", 0.0.4).
/// Thread-safe.
class Metrics {
 public:
  /// A method was carried out.
  void count_call(std::string_view method, std::chrono::nanoseconds took,
                  const std::optional<ErrorKind>& failure);
  /// A method was not carried out: its caller's role does not reach that far.
  void count_refused(std::string_view method);
  /// A VM was started or stopped ("start", "stop"), or was not.
  void count_vm(std::string_view what, const std::optional<ErrorKind>& failure);

  [[nodiscard]] std::string calls_text() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Histogram, std::less<>> calls_;
  /// By what and kind of failure; "" where there was none.
  std::map<std::pair<std::string, std::string>, std::uint64_t> failures_, vms_;
};

/// "# HELP", "# TYPE" and the samples of one histogram with its label, e.g. `method="VmStart"`.
std::string histogram_text(std::string_view name, std::string_view label, const Histogram& histogram);
/// "# HELP" and "# TYPE".
std::string heading(std::string_view name, std::string_view type, std::string_view help);

}  // namespace cowshed::service
