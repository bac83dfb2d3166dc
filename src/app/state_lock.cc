// SPDX-License-Identifier: Apache-2.0
#include "app/state_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <thread>

#include "app/interruption.h"
#include "base/error.h"
#include "base/log.h"

namespace cowshed::app {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view clean = "clean ";
constexpr std::size_t longest_command = 200;
/// A PID and a blank come before the command.
constexpr std::size_t longest_content = longest_command + 24;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Changes with every boot, so that what a power loss cut off is noticed.
const std::string& boot_id() {
  static const std::string id = first_line(read_file("/proc/sys/kernel/random/boot_id", kibibytes(1)));
  return id;
}

/// True when it was got, false when another holds it.
bool try_lock(const Fd& fd, Access access, const Path& file) {
  if (::flock(fd.get(), (access == Access::write ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  throw Error::from_errno(errno, fmt::format("lock '{}'", file.native()));
}

std::string describe(const std::string& content) {
  if (content.empty()) return "an unknown command";
  if (content.starts_with(clean)) return "a command of the boot before";
  const auto blank = content.find(' ');
  if (blank == std::string::npos) return content;
  return fmt::format("pid {} ({})", content.substr(0, blank), content.substr(blank + 1));
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text.substr(0, longest_command);
}

}  // namespace

StateLock::StateLock(const Path& file, const Wish& wish) : file_(file), access_(wish.access) {
  auto fd = open_if_exists(file, access_ == Access::write ? O_RDWR | O_CREAT : O_RDONLY);
  if (!fd) return;
  fd_ = std::move(*fd);
  acquire(wish);
  const std::string before = read();
  if (before != std::string(clean) + boot_id()) unclean_ = describe(before);
  if (access_ == Access::read) return;
  write(fmt::format("{} {}", ::getpid(), one_line(wish.command)));
}

StateLock::~StateLock() {
  if (access_ != Access::write || !fd_.is_open() || leave_unclean_) return;
  try {
    write(std::string(clean) + boot_id());
  } catch (const std::exception& failure) {
    log_warning(failure.what());
  }
}

void StateLock::acquire(const Wish& wish) {
  if (try_lock(fd_, access_, file_)) return;
  constexpr milliseconds longest_pause(50);
  const auto deadline = std::chrono::steady_clock::now() + wish.wait;
  for (milliseconds pause(1); !try_lock(fd_, access_, file_); pause = std::min(2 * pause, longest_pause)) {
    throw_if_interrupted();
    if (std::chrono::steady_clock::now() >= deadline) throw held_by_other();
    std::this_thread::sleep_for(pause);
  }
}

Error StateLock::held_by_other() const {
  const std::string content = read();
  // A reader leaves no name.
  const std::string holder =
      content.empty() || content.starts_with(clean) ? "a command that reads it" : describe(content);
  return {ErrorKind::in_use,
          fmt::format("state directory '{}' is in use by {}", file_.parent_path().native(), holder)};
}

std::string StateLock::read() const {
  std::array<char, 512> buffer{};
  const ssize_t got = ::pread(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) throw Error::from_errno(errno, fmt::format("read '{}'", file_.native()));
  const std::string line = first_line({buffer.data(), static_cast<std::size_t>(got)});
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

void StateLock::write(const std::string& content) {
  // Always as long, so that one call replaces all of what was there.
  std::string line = content;
  line.resize(longest_content, ' ');
  line.back() = '\n';
  if (::pwrite(fd_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    throw Error::from_errno(errno, fmt::format("write '{}'", file_.native()));
}

}  // namespace cowshed::app
