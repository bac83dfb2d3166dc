// SPDX-License-Identifier: Apache-2.0
#include "io/system_calls.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace cowshed::io {

namespace {

off_t offset_of(Bytes bytes) { return static_cast<off_t>(bytes.count); }

/// -1 and errno, or the bytes moved; 0 for what is all or nothing.
ssize_t call(const Request& request) {
  const auto offset = offset_of(request.offset);
  switch (request.op) {
    case Op::read:
      return ::pread(request.fd, request.memory, request.length.count, offset);
    case Op::write:
      return ::pwrite(request.fd, request.memory, request.length.count, offset);
    case Op::punch:
      return ::fallocate(request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                         offset_of(request.length));
    case Op::clone: {
      file_clone_range range{.src_fd = request.source_fd,
                             .src_offset = request.source_offset.count,
                             .src_length = request.length.count,
                             .dest_offset = request.offset.count};
      return ::ioctl(request.fd, FICLONERANGE, &range);
    }
    case Op::copy_range: {
      off_t from = offset_of(request.source_offset);
      off_t to = offset;
      return ::copy_file_range(request.source_fd, &from, request.fd, &to, request.length.count, 0);
    }
    case Op::sync:
      return ::fdatasync(request.fd);
  }
  errno = EINVAL;
  return -1;
}

}  // namespace

Completion carry_out(const Request& request) noexcept {
  const ssize_t result = call(request);
  if (result < 0) return {.tag = request.tag, .error = errno, .length = {}};
  return {.tag = request.tag, .error = 0, .length = {static_cast<std::uint64_t>(result)}};
}

}  // namespace cowshed::io
