// SPDX-License-Identifier: Apache-2.0
#include "io/end.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace cowshed::io {

namespace {

[[noreturn]] void fail(std::string_view what, const Path& name) {
  throw Error::from_errno(errno, fmt::format("{} '{}'", what, name.native()));
}

struct statx ask(int fd, const Path& name) {
  struct statx answer {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_DIOALIGN, &answer) < 0) fail("stat", name);
  if (!S_ISREG(answer.stx_mode) && !S_ISBLK(answer.stx_mode))
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is neither a file nor a block device", name.native()));
  return answer;
}

int status_flags(int fd, const Path& name) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) fail("read the flags of", name);
  return flags;
}

Bytes direct_alignment(int fd, const struct statx& answer) {
  if ((answer.stx_mask & STATX_DIOALIGN) != 0 && answer.stx_dio_offset_align != 0)
    return {std::max(answer.stx_dio_offset_align, answer.stx_dio_mem_align)};
  int sector = 0;
  if (S_ISBLK(answer.stx_mode) && ::ioctl(fd, BLKSSZGET, &sector) == 0 && sector > 0)
    return {static_cast<std::uint64_t>(sector)};
  return std::clamp(Bytes{answer.stx_blksize}, Bytes{Sectors::bytes_each}, kibibytes(4));
}

bool lies_on_remote(int fd) {
  // Those that linux/magic.h does not list: fs/nfs, fs/smb, fs/ceph, fs/fuse (FUSE_SUPER_MAGIC).
  constexpr std::array<std::uint64_t, 5> remote = {NFS_SUPER_MAGIC, 0xff534d42, 0xfe534d42, 0x00c36400,
                                                   0x65735546};
  struct statfs answer {};
  if (::fstatfs(fd, &answer) < 0) return false;
  return std::find(remote.begin(), remote.end(), static_cast<std::uint64_t>(answer.f_type)) != remote.end();
}

}  // namespace

End::End(const Fd& fd, Path name) : fd_(fd.get()), name_(std::move(name)) {
  const struct statx answer = ask(fd_, name_);
  is_direct_ = (status_flags(fd_, name_) & O_DIRECT) != 0;
  is_regular_ = S_ISREG(answer.stx_mode);
  is_remote_ = is_regular_ && lies_on_remote(fd_);
  alignment_ = direct_alignment(fd_, answer);
  block_size_ = {std::max<std::uint64_t>(answer.stx_blksize, Sectors::bytes_each)};
}

Bytes End::size() const {
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  if (size < 0) fail("find the end of", name_);
  return {static_cast<std::uint64_t>(size)};
}

int End::buffered_fd() const {
  if (!is_direct_) return fd_;
  if (!buffered_.is_open()) {
    const int flags = status_flags(fd_, name_) & O_ACCMODE;
    buffered_ = Fd(::open(fmt::format("/proc/self/fd/{}", fd_).c_str(), flags | O_CLOEXEC));
    if (!buffered_.is_open()) fail("open once more, buffered, ", name_);
  }
  return buffered_.get();
}

Fd open_direct_if_possible(const Path& path, int flags) {
  Fd fd(::open(path.c_str(), flags | O_DIRECT | O_CLOEXEC));
  if (fd.is_open()) return fd;
  // What other open(2) would give EINVAL for fails again.
  if (errno == EINVAL) return open_file(path, flags);
  fail("open", path);
}

}  // namespace cowshed::io
