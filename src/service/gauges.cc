// SPDX-License-Identifier: Apache-2.0
#include "service/gauges.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"
#include "base/stages.h"
#include "service/metrics.h"

namespace cowshed::service {

namespace {

/// A label's value (prometheus.io: "Text format details").
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

std::string gauge(std::string_view name, std::string_view help, std::size_t value) {
  return heading(name, "gauge", help) + fmt::format("{} {}\n", name, value);
}

/// proc(5), statm: pages.
std::size_t resident_bytes() {
  std::size_t pages = 0;
  const std::string statm = read_file("/proc/self/statm", kibibytes(1));
  if (std::sscanf(statm.c_str(), "%*u %zu", &pages) != 1) return 0;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string stages_text() {
  constexpr std::string_view name = "cowshed_stage_seconds";
  std::string text = heading(name, "histogram", "What starts, stops and commits spend their time with.");
  for (const Stage stage : stages)
    text += histogram_text(name, fmt::format("stage=\"{}\"", to_string(stage)), times_of(stage));
  return text;
}

std::string pools_text(const std::vector<api::PoolInfo>& pools) {
  std::string sizes = heading("cowshed_pool_size_bytes", "gauge", "Of the file system under a pool.");
  std::string used = heading("cowshed_pool_used_bytes", "gauge", "Of the file system under a pool.");
  for (const auto& pool : pools) {
    const auto label = escaped(pool.name);
    if (pool.size)
      sizes += fmt::format("cowshed_pool_size_bytes{{pool=\"{}\"}} {}\n", label, pool.size->count);
    if (pool.usage)
      used += fmt::format("cowshed_pool_used_bytes{{pool=\"{}\"}} {}\n", label, pool.usage->count);
  }
  return sizes + used;
}

std::string warm_text(const std::vector<app::WarmVolume>& volumes) {
  std::string ready = heading("cowshed_warm_ready", "gauge", "Layers that stand ready.");
  std::string hits =
      heading("cowshed_warm_hits_total", "counter", "Starts that got a layer which stood ready.");
  std::string misses = heading("cowshed_warm_misses_total", "counter", "Starts that had to make one.");
  for (const auto& [volume, counts] : volumes) {
    const auto label = fmt::format("volume=\"{}\"", escaped(volume));
    ready += fmt::format("cowshed_warm_ready{{{}}} {}\n", label, counts.ready);
    hits += fmt::format("cowshed_warm_hits_total{{{}}} {}\n", label, counts.hits);
    misses += fmt::format("cowshed_warm_misses_total{{{}}} {}\n", label, counts.misses);
  }
  return ready + hits + misses;
}

std::string service_text(std::size_t connections, std::size_t refused, std::size_t subscribers) {
  return gauge("cowshed_connections", "Open now.", connections) +
         gauge("cowshed_subscribers", "Those that are told of events.", subscribers) +
         heading("cowshed_connections_refused_total", "counter",
                 "Connections that broke a limit, or sent what is no call.") +
         fmt::format("cowshed_connections_refused_total {}\n", refused) +
         gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes());
}

}  // namespace cowshed::service
