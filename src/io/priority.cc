// SPDX-License-Identifier: Apache-2.0
#include "io/priority.h"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/log.h"

namespace cowshed::io {

namespace {

// glibc has no function for them, and the kernel's header no name for the lowest level of a class.
constexpr int this_thread = 0;
constexpr int lowest_level = 7;

int value_of(Priority priority) {
  return priority == Priority::idle ? IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)
                                    : IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, lowest_level);
}

int get_priority() { return static_cast<int>(::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, this_thread)); }

bool set_priority(int value) {
  if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, this_thread, value) == 0) return true;
  log_debug(Error::from_errno(errno, "set the I/O priority").what());
  return false;
}

}  // namespace

PriorityScope::PriorityScope(Priority priority) {
  if (priority == Priority::inherited) return;
  const int before = get_priority();
  if (before >= 0 && set_priority(value_of(priority))) before_ = before;
}

PriorityScope::~PriorityScope() {
  if (before_) set_priority(*before_);
}

}  // namespace cowshed::io
