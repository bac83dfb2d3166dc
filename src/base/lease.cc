// SPDX-License-Identifier: Apache-2.0
#include "base/lease.h"

#include <fcntl.h>

#include <csignal>
#include <utility>

namespace cowshed {

namespace {

bool take_lease(int fd, int kind) {
  // Whoever has the lease is sent SIGIO when somebody waits, which ends a process that does not expect it;
  // this one is ignored where nobody asks for it.
  return ::fcntl(fd, F_SETSIG, SIGURG) == 0 && ::fcntl(fd, F_SETLEASE, kind) == 0;
}

void give_back_lease(int fd) { ::fcntl(fd, F_SETLEASE, F_UNLCK); }

}  // namespace

std::optional<ReadLease> ReadLease::take(const Fd& fd) {
  return take_lease(fd.get(), F_RDLCK) ? std::optional(ReadLease(fd.get())) : std::nullopt;
}

ReadLease::ReadLease(ReadLease&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ReadLease& ReadLease::operator=(ReadLease&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ReadLease::~ReadLease() {
  if (fd_ >= 0) give_back_lease(fd_);
}

bool ReadLease::is_held() const { return ::fcntl(fd_, F_GETLEASE) == F_RDLCK; }

bool is_open_nowhere_else(const Fd& fd) {
  if (!take_lease(fd.get(), F_WRLCK)) return false;
  give_back_lease(fd.get());
  return true;
}

}  // namespace cowshed
