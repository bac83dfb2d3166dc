// SPDX-License-Identifier: Apache-2.0
#include "io/checkup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "io/sharing.h"

namespace cowshed::io {

namespace {

constexpr const char* in_its_place = "the engine copies by threads instead";

std::string advice_on(int error_number, std::string_view sysctl) {
  if (sysctl == "2") return "sysctl kernel.io_uring_disabled=0";
  if (sysctl == "1") return "run cowshed as root, or: sysctl kernel.io_uring_disabled=0";
  if (error_number == EPERM || error_number == EACCES)
    return "allow io_uring_setup, io_uring_enter and io_uring_register (seccomp, container)";
  if (error_number == ENOMEM) return "ulimit -l unlimited";
  return "boot a newer kernel (Linux 5.6 or later, CONFIG_IO_URING)";
}

Finding uring(const HostPaths& host, const BackendFactory& open) {
  // There since Linux 6.6.
  const auto sysctl = host.line_of("proc/sys/kernel/io_uring_disabled").value_or("0");
  try {
    BackendSetup setup;
    setup.depth = 1;
    open(setup);
    return good("io_uring is there, with all operations that the engine uses");
  } catch (const Error& error) {
    const auto why = sysctl == "0" ? "" : fmt::format(" (kernel.io_uring_disabled={})", sysctl);
    return warning(fmt::format("{}{}: {}", error.message(), why, in_its_place),
                   advice_on(error.error_number(), sysctl));
  }
}

/// Throws where it cannot be made: a file with a name would not do.
Fd open_probe(const Path& directory, int flags) {
  Fd fd(::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC | flags, 0600));
  if (fd.is_open()) return fd;
  throw Error::from_errno(
      errno, fmt::format("cannot be tried: make a file without a name in '{}'", directory.native()));
}

constexpr std::size_t block = 4096;

Finding direct_io(const Path& directory) {
  const Fd probe = open_probe(directory, 0);
  const Fd fd(::open(path_to(probe).c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
  const std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(block, block), std::free);
  std::fill_n(static_cast<char*>(memory.get()), block, '\0');
  if (fd.is_open() && ::pwrite(fd.get(), memory.get(), block, 0) == static_cast<ssize_t>(block))
    return good("direct I/O works");
  return warning(fmt::format("no direct I/O ({}): what VMs write is cached twice", ::strerrordesc_np(errno)),
                 "keep the pool on ext4, XFS or btrfs on a disk");
}

Finding punch_hole(const Path& directory) {
  const Fd fd = open_probe(directory, 0);
  write_all(fd, std::string(4 * block, 'x'), directory);
  if (::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, block, block) == 0)
    return good("holes can be punched: what guests discard is freed");
  return warning(fmt::format("no holes can be punched ({}): what guests discard keeps its space",
                             ::strerrordesc_np(errno)),
                 "keep the pool on ext4, XFS or btrfs");
}

Finding sharing(const Path& directory, bool is_needed) {
  open_probe(directory, 0);
  if (can_share_in(directory)) return good("files can share extents (reflink)");
  if (!is_needed) return good("files share no extents here; the driver does without");
  return bad("files share no extents here, which the pool's driver needs",
             "move the pool to btrfs, or to XFS made by: mkfs.xfs -m reflink=1");
}

}  // namespace

void check_uring(Checkup& checkup, const HostPaths& host, const BackendFactory& open) {
  checkup.check("io_uring", [&] { return uring(host, open); });
}

void check_directory(Checkup& checkup, const std::string& prefix, const std::string& about,
                     const Path& directory, bool needs_sharing) {
  checkup.check(prefix + ".direct_io", about, [&] { return direct_io(directory); });
  checkup.check(prefix + ".punch_hole", about, [&] { return punch_hole(directory); });
  checkup.check(prefix + ".sharing", about, [&] { return sharing(directory, needs_sharing); });
}

}  // namespace cowshed::io
