// SPDX-License-Identifier: Apache-2.0
#include "dm/checkup.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/kernel_release.h"
#include "dm/command.h"
#include "dm/crypt_key.h"

namespace cowshed::dm {

namespace {

enum class Need { always, by_ephemeral, for_tests };

struct NeededTarget {
  const char* name;
  const char* module;
  Version since;
  Need need;
};

/// snapshot 1.16 brought discard_zeroes_cow (Linux 5.3, drivers/md/dm-snap.c).
constexpr NeededTarget targets[] = {
    {"linear", "dm-mod", {}, Need::always},
    {"error", "dm-mod", {}, Need::always},
    {"snapshot", "dm-snapshot", {1, 16, 0}, Need::always},
    {"snapshot-origin", "dm-snapshot", {}, Need::always},
    {"snapshot-merge", "dm-snapshot", {}, Need::for_tests},
    {"zero", "dm-zero", {}, Need::by_ephemeral},
    {"crypt", "dm-crypt", {}, Need::by_ephemeral},
};

/// Of the interface: what the newest command came with. Flags that are younger have a way around them.
constexpr std::uint32_t needed_minor() {
  std::uint32_t newest = 0;
  for (const auto& command : commands) newest = std::max(newest, command.since_minor);
  return newest;
}

std::string to_text(const Version& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

/// `remark` comes behind what is said of the module.
Finding not_loaded(const HostPaths& host, const char* module, const std::string& remark, bool is_needed) {
  switch (module_state(host, module)) {
    case ModuleState::loadable:
      return warning(fmt::format("the module {} is not loaded; the kernel does that when it is needed{}",
                                 module, remark),
                     fmt::format("modprobe {}", module));
    case ModuleState::refused:
      return bad_if(
          is_needed,
          fmt::format("loading the module {} is forbidden (/etc/modprobe.d, kernel.modules_disabled){}",
                      module, remark),
          fmt::format("allow it, then: modprobe {}", module));
    case ModuleState::loaded:
      return bad_if(is_needed,
                    fmt::format("the module {} is there, but not what is needed of it{}", module, remark),
                    "boot another kernel (Linux 5.8 or later)");
    default:
      return bad_if(is_needed, fmt::format("this kernel has no module {}{}", module, remark),
                    fmt::format("modprobe {}; where there is none, boot a kernel that has it", module));
  }
}

Finding control_device(const HostPaths& host) {
  if (!path_exists(host.at("sys/class/misc/device-mapper"))) return not_loaded(host, "dm-mod", "", true);
  if (!path_exists(host.at("dev/mapper/control")))
    return warning("/dev/mapper/control is missing; cowshed makes it, as root",
                   "mount -t devtmpfs devtmpfs /dev");
  return good("/dev/mapper/control is there");
}

/// What the kernel says, or why it cannot be asked.
struct Kernel {
  Version version;
  std::vector<TargetVersion> targets;
};

Kernel ask(const CheckupPorts& ports) {
  Control control(ports.open());
  return {control.version(), control.target_versions()};
}

Finding interface_version(const Version& version) {
  const std::string seen = fmt::format("interface {}", to_text(version));
  if (version.minor >= needed_minor()) return good(seen);
  return bad(fmt::format("{}, needed is {}.{}", seen, DM_VERSION_MAJOR, needed_minor()),
             "boot a newer kernel (Linux 5.8 or later)");
}

std::string purpose(const NeededTarget& target) {
  switch (target.need) {
    case Need::by_ephemeral:
      return " (for ephemeral volumes)";
    case Need::for_tests:
      return " (only tests use it)";
    default:
      return "";
  }
}

Finding target_finding(const HostPaths& host, const std::optional<Kernel>& answer, const NeededTarget& target,
                       bool is_needed) {
  const std::string remark = purpose(target);
  const bool is_loaded = module_state(host, target.module) == ModuleState::loaded;
  if (!answer && is_loaded) return good(fmt::format("the module {} is there{}", target.module, remark));
  if (!answer) return not_loaded(host, target.module, remark, is_needed);
  const auto found = std::ranges::find(answer->targets, std::string_view(target.name), &TargetVersion::name);
  if (found == answer->targets.end()) return not_loaded(host, target.module, remark, is_needed);
  const std::string seen = fmt::format("version {}{}", to_text(found->version), remark);
  if (found->version >= target.since) return good(seen);
  return bad_if(is_needed, fmt::format("{}, needed is {}", seen, to_text(target.since)),
                "boot a newer kernel (Linux 5.8 or later)");
}

Finding keyring(int error_number, bool is_used) {
  if (error_number == 0) return good("the kernel's keyring takes the keys of ephemeral volumes");
  const auto seen =
      fmt::format("no keyring for the keys of ephemeral volumes ({})", ::strerrordesc_np(error_number));
  if (!is_used) return good(seen + ", which no pool asks for");
  return warning(seen + ": while they run, root can read their keys by dmsetup table --showkeys",
                 "allow add_key and keyctl (seccomp), or boot a kernel with CONFIG_KEYS");
}

}  // namespace

CheckupPorts::CheckupPorts() : keyring_error(dm::keyring_error) {}

void check_device_mapper(Checkup& checkup, const HostPaths& host, const CheckupPorts& ports,
                         bool uses_crypt) {
  checkup.check("dm.control", [&] { return control_device(host); });
  std::optional<Kernel> answer;
  checkup.check("dm.version", [&] {
    answer = ask(ports);
    return interface_version(answer->version);
  });
  for (const auto& target : targets) {
    const bool is_needed = target.need == Need::always || (target.need == Need::by_ephemeral && uses_crypt);
    checkup.check(fmt::format("dm.target.{}", target.name),
                  [&] { return target_finding(host, answer, target, is_needed); });
  }
  checkup.check("dm.keyring", [&] { return keyring(ports.keyring_error(), uses_crypt); });
}

}  // namespace cowshed::dm
