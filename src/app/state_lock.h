// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

namespace cowshed::app {

enum class Access {
  read,
  write,
  /// Reading, in a process that holds the lock for writing: nothing is locked.
  within
};

/// The lock by which processes on one state directory wait for each other: flock(2) on STATE/lock, so that
/// it goes with the process that holds it, however that ends. Its content tells whether the last one that
/// could change something ended well: "PID COMMAND" while it is held for writing, "clean BOOT" after a clean
/// release. Not synced: after a power loss BOOT is another one anyway. Reading does not create the file, and
/// where the directory does not exist there is nothing to lock.
class StateLock {
 public:
  struct Wish {
    Access access = Access::read;
    /// What the holder is called in the error of those who waited in vain: "vm start work".
    std::string command;
    std::chrono::milliseconds wait{30'000};
  };

  /// Waits; then throws in_use naming the holder. Throws interrupted (app/interruption.h), permission.
  StateLock(const Path& file, const Wish& wish);
  /// Clean release, unless the work was left unfinished.
  ~StateLock();
  [[nodiscard]] bool is_held() const { return fd_.is_open(); }
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

  /// What the holder before this one left, where it did not end cleanly in this boot: recovery is due. For
  /// people: "pid 123 (vm start work)", "the boot before".
  [[nodiscard]] const std::optional<std::string>& unclean() const { return unclean_; }
  /// The next holder is to recover, whatever happens from here on.
  void leave_unclean() { leave_unclean_ = true; }
  /// Recovery was done after all.
  void set_recovered() {
    unclean_.reset();
    leave_unclean_ = false;
  }

 private:
  void acquire(const Wish& wish);
  [[nodiscard]] Error held_by_other() const;
  [[nodiscard]] std::string read() const;
  void write(const std::string& content);

  Path file_;
  Fd fd_;
  Access access_;
  std::optional<std::string> unclean_;
  std::atomic<bool> leave_unclean_{false};
};

}  // namespace cowshed::app
