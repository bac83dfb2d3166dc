// SPDX-License-Identifier: Apache-2.0
#include "base/lease.h"

#include <fcntl.h>

#include <csignal>
#include <utility>

namespace cowshed {

std::optional<ReadLease> ReadLease::take(const Fd& fd) {
  // Whoever has the lease is sent SIGIO when somebody waits, which ends a process that does not expect it;
  // this one is ignored where nobody asks for it.
  if (::fcntl(fd.get(), F_SETSIG, SIGURG) < 0) return std::nullopt;
  if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) < 0) return std::nullopt;
  return ReadLease(fd.get());
}

ReadLease::ReadLease(ReadLease&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ReadLease& ReadLease::operator=(ReadLease&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ReadLease::~ReadLease() {
  if (fd_ >= 0) ::fcntl(fd_, F_SETLEASE, F_UNLCK);
}

bool ReadLease::is_held() const { return ::fcntl(fd_, F_GETLEASE) == F_RDLCK; }

}  // namespace cowshed
