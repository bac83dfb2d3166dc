// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "app/doctor_parts.h"
#include "app/shipped_udev_rules.h"
#include "loop/loop.h"

namespace cowshed::app {

namespace {

constexpr const char* rules_name = "05-cowshed.rules";
/// Where udev looks, the first that has a name hides the others (udev(7)).
constexpr const char* rules_directories[] = {"etc/udev/rules.d", "run/udev/rules.d",
                                             "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d",
                                             "lib/udev/rules.d"};

constexpr const char* reload =
    "udevadm control --reload && udevadm trigger --action=change --subsystem-match=block "
    "--sysname-match='loop*'";

std::string install() {
  return fmt::format("install -m 644 udev/{} /usr/lib/udev/rules.d/ (of cowshed's source), then: {}",
                     rules_name, reload);
}

bool is_udev_there(const HostPaths& host) { return path_exists(host.at("run/udev/control")); }

Finding running(const HostPaths& host) {
  if (is_udev_there(host)) return good("udev runs");
  return good("udev does not run: nobody probes devices, and cowshed needs it for nothing");
}

struct Installed {
  Path shown, file;
};

std::optional<Installed> find_rules(const HostPaths& host) {
  for (const char* directory : rules_directories)
    if (const auto file = host.at(directory) / rules_name; path_exists(file))
      return Installed{Path("/") / directory / rules_name, file};
  return std::nullopt;
}

/// What makes the rules know our devices: the prefix of UUIDs, and the mark of loops.
bool knows_our_devices(const std::string& rules) {
  return rules.find("ATTR{dm/uuid}==\"COWSHED-*\"") != std::string::npos &&
         rules.find(fmt::format("\"{}\"", loop::mark)) != std::string::npos;
}

Finding judge(const HostPaths& host, const Installed& installed) {
  const std::string where = installed.shown.native();
  // Masked by a link to /dev/null, which is no regular file.
  const bool is_file = std::filesystem::is_regular_file(installed.file);
  const std::string rules = is_file ? read_file(installed.file, mebibytes(1)) : "";
  if (rules == shipped_udev_rules()) return good(fmt::format("{} is of this version", where));
  if (knows_our_devices(rules))
    return warning(fmt::format("{} is not the one of this version", where), install());
  return bad_if(
      is_udev_there(host),
      fmt::format("{} does not know the devices of this version: the host reads what guests write", where),
      install());
}

Finding rules(const HostPaths& host) {
  const auto installed = find_rules(host);
  if (installed) return judge(host, *installed);
  if (!is_udev_there(host))
    return good(fmt::format("{} is not installed; without udev nobody reads it", rules_name));
  return bad(fmt::format("{} is not installed: the host reads what guests write", rules_name), install());
}

}  // namespace

void check_udev(Checkup& checkup, const HostPaths& host) {
  checkup.check("udev.running", [&] { return running(host); });
  checkup.check("udev.rules", [&] { return rules(host); });
}

}  // namespace cowshed::app
