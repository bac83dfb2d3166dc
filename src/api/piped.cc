// SPDX-License-Identifier: Apache-2.0
#include "api/piped.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"

namespace cowshed::api {

namespace {

/// Nothing more to read, or nobody left to write to.
bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

/// False where what was read could not be written: errno says why.
bool pump(int from, int to) {
  std::vector<char> buffer(1U << 16U);
  for (;;) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    if (!write_all(to, buffer.data(), static_cast<std::size_t>(count))) return false;
  }
}

std::string path_of(const Fd& fd) { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd.get()); }

}  // namespace

Pipe::Pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw Error::from_errno(errno, "make a pipe");
  read_end = Fd(ends[0]);
  write_end = Fd(ends[1]);
}

PipedInput::PipedInput() {
  Pipe pipe;
  read_end_ = std::move(pipe.read_end);
  // Not joined: it may wait for a terminal long after the service has refused.
  std::thread([to = std::make_shared<Fd>(std::move(pipe.write_end))] {
    pump(STDIN_FILENO, to->get());
  }).detach();
}

std::string PipedInput::path() const { return path_of(read_end_); }

PipedOutput::PipedOutput() {
  Pipe pipe;
  write_end_ = std::move(pipe.write_end);
  thread_ = std::thread([this, from = std::make_shared<Fd>(std::move(pipe.read_end))] {
    if (!pump(from->get(), STDOUT_FILENO))
      failure_ = std::make_exception_ptr(Error::from_errno(errno, "write to standard output"));
  });
}

PipedOutput::~PipedOutput() {
  write_end_.reset();
  if (thread_.joinable()) thread_.join();
}

std::string PipedOutput::path() const { return path_of(write_end_); }

void PipedOutput::finish() {
  write_end_.reset();
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace cowshed::api
