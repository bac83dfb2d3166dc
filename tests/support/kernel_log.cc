// SPDX-License-Identifier: Apache-2.0
#include "support/kernel_log.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace cowshed::test {

KernelLog::KernelLog() : fd_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_.is_open()) ::lseek(fd_.get(), 0, SEEK_END);
}

std::vector<std::string> KernelLog::new_lines() {
  std::vector<std::string> lines;
  std::array<char, 8192> record{};
  for (;;) {
    const ssize_t size = ::read(fd_.get(), record.data(), record.size());
    // EPIPE: the ring buffer overtook us; the next read goes on at its oldest line.
    if (size < 0 && errno == EPIPE) continue;
    if (size <= 0) return lines;
    const std::string text(record.data(), static_cast<std::size_t>(size));
    const auto begin = std::min(text.find(';'), text.size() - 1) + 1;
    lines.push_back(text.substr(begin, text.find('\n', begin) - begin));
  }
}

bool is_alarming(const std::string& line) {
  static constexpr std::array<std::string_view, 8> alarms = {"BUG:",
                                                             "WARNING:",
                                                             "Oops",
                                                             "kernel BUG at",
                                                             "Call Trace",
                                                             "blocked for more than",
                                                             "possible recursive locking",
                                                             "Kernel panic"};
  return std::ranges::any_of(alarms,
                             [&](std::string_view alarm) { return line.find(alarm) != std::string::npos; });
}

}  // namespace cowshed::test
