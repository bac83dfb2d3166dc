// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "app/doctor_parts.h"
#include "base/error.h"
#include "base/kernel_release.h"
#include "base/program.h"

namespace cowshed::app {

namespace {

Finding kernel(const HostPaths& host) {
  const auto release = KernelRelease::of(host);
  const std::string seen = fmt::format("Linux {}", release.text);
  if (release.is_at_least(5, 8)) return good(seen);
  return bad(seen + ", needed is 5.8", "boot a newer kernel (Linux 5.8 or later)");
}

Finding rights(const HostPaths& host) {
  const auto mine = Rights::of(host);
  if (mine.is_root && mine.administers) return good("root with CAP_SYS_ADMIN");
  if (mine.is_root)
    return bad("root without CAP_SYS_ADMIN: device-mapper refuses everything",
               "give the container CAP_SYS_ADMIN, or run cowshed outside of it");
  return unknown("not root: some of what follows cannot be seen, and VMs cannot be started",
                 "run cowshed doctor as root");
}

rlimit limit_of(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) < 0) throw Error::from_errno(errno, "getrlimit");
  return limit;
}

std::string to_text(rlim_t limit) { return limit == RLIM_INFINITY ? "unlimited" : fmt::format("{}", limit); }

/// A batch of VMs holds a few descriptors for each volume that is being started or copied.
Finding open_files() {
  constexpr rlim_t enough = 1024, least = 64;
  const auto limit = limit_of(RLIMIT_NOFILE).rlim_cur;
  const auto seen = fmt::format("{} open files for a process", to_text(limit));
  if (limit >= enough) return good(seen);
  return bad_if(limit < least, fmt::format("{}, starts of many VMs need {}", seen, enough),
                fmt::format("ulimit -n {}", enough));
}

/// The buffers of one copy that the engine registers with io_uring.
Finding locked_memory(const HostPaths& host) {
  constexpr Bytes enough = mebibytes(16);
  const auto limit = limit_of(RLIMIT_MEMLOCK).rlim_cur;
  if (Rights::of(host).locks_memory) return good("memory can be locked without limit (CAP_IPC_LOCK)");
  const auto seen = limit == RLIM_INFINITY ? "unlimited" : format_size({limit});
  if (limit >= enough.count) return good(fmt::format("locked memory: {}", seen));
  return warning(fmt::format("locked memory: {}; copies go without registered buffers, slower", seen),
                 "ulimit -l 16384");
}

Finding system_files(const HostPaths& host) {
  std::istringstream words(host.line_of("proc/sys/fs/file-nr").value_or(""));
  std::uint64_t used = 0, spare = 0, most = 0;
  words >> used >> spare >> most;
  if (!words || most == 0) return unknown("/proc/sys/fs/file-nr cannot be read");
  const auto seen = fmt::format("{} of {} files are open on this host", used, most);
  if (used < most / 10 * 9) return good(seen);
  return bad_if(used >= most, seen, fmt::format("sysctl fs.file-max={}", 2 * most));
}

Finding qemu_img() {
  if (const auto program = find_program("qemu-img"))
    return good(fmt::format("{} reads qcow2, VMDK and VDI for imports", program->native()));
  return warning("qemu-img is not installed: only raw images can be imported",
                 "apt install qemu-utils (Fedora: dnf install qemu-img)");
}

bool has(std::uint64_t capabilities, unsigned which) { return (capabilities >> which & 1U) != 0; }

}  // namespace

Rights Rights::of(const HostPaths& host) {
  constexpr std::string_view key = "CapEff:\t";
  const std::string status = read_file(host.at("proc/self/status"), mebibytes(1));
  const auto at = status.find(key);
  if (at == std::string::npos) throw Error(ErrorKind::not_found, "no CapEff in /proc/self/status");
  const auto capabilities = std::strtoull(status.c_str() + at + key.size(), nullptr, 16);
  return {.is_root = ::geteuid() == 0,
          .administers = has(capabilities, CAP_SYS_ADMIN),
          .locks_memory = has(capabilities, CAP_IPC_LOCK)};
}

void check_host(Checkup& checkup, const HostPaths& host) {
  checkup.check("kernel", [&] { return kernel(host); });
  checkup.check("rights", [&] { return rights(host); });
  checkup.check("limit.files", open_files);
  checkup.check("limit.memlock", [&] { return locked_memory(host); });
  checkup.check("limit.system_files", [&] { return system_files(host); });
  checkup.check("program.qemu-img", qemu_img);
}

}  // namespace cowshed::app
