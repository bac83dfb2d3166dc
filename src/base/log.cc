// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fmt/core.h>

#include <atomic>
#include <cstdio>
#include <string>

namespace cowshed {

namespace {

std::atomic<LogLevel> threshold{LogLevel::warning};

void write_line(LogLevel level, std::string_view label, std::string_view message) {
  if (level > threshold.load(std::memory_order_relaxed)) return;
  const std::string line = fmt::format("cowshed: {}{}\n", label, message);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void set_log_level(LogLevel level) { threshold.store(level, std::memory_order_relaxed); }
void log_warning(std::string_view message) { write_line(LogLevel::warning, "warning: ", message); }
void log_info(std::string_view message) { write_line(LogLevel::info, "", message); }
void log_debug(std::string_view message) { write_line(LogLevel::debug, "debug: ", message); }

}  // namespace cowshed
