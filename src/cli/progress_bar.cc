// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

namespace cowshed::cli {

namespace {
constexpr std::chrono::milliseconds redraw_pause(100);
constexpr const char* clear_line = "\r\x1b[K";
}  // namespace

std::string progress_line(std::string_view what, Bytes done, Bytes total, std::chrono::milliseconds elapsed) {
  const double seconds = static_cast<double>(elapsed.count()) / 1000;
  const bool has_rate = done.count > 0 && seconds > 0;
  const double rate = has_rate ? static_cast<double>(done.count) / seconds : 0;
  const std::string per_second =
      has_rate ? fmt::format("  {}/s", format_size({static_cast<std::uint64_t>(rate)})) : "";
  if (total.count == 0 || done > total) return fmt::format("{}  {}{}", what, format_size(done), per_second);
  const double share = static_cast<double>(done.count) / static_cast<double>(total.count);
  std::string line = fmt::format("{}  {:3.0f}%  {} of {}{}", what, 100 * share, format_size(done),
                                 format_size(total), per_second);
  if (!has_rate) return line;
  const auto left = static_cast<std::uint64_t>(static_cast<double>(total.count - done.count) / rate);
  return line + fmt::format("  {}:{:02} left", left / 60, left % 60);
}

ProgressBar::ProgressBar(std::string what, bool is_wanted)
    : what_(std::move(what)), is_shown_(is_wanted && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (is_drawn_) fmt::print(stderr, "{}", clear_line);
}

void ProgressBar::update(Bytes done, Bytes total) {
  const std::lock_guard guard(mutex_);
  const auto now = Clock::now();
  if (!is_shown_ || now - drawn_ < redraw_pause) return;
  drawn_ = now;
  is_drawn_ = true;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
  fmt::print(stderr, "{}{}", clear_line, progress_line(what_, done, total, elapsed));
}

}  // namespace cowshed::cli
