// SPDX-License-Identifier: Apache-2.0
#include "base/kernel_release.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>

#include "base/error.h"

namespace cowshed {

namespace {

/// modules.dep of a distribution's kernel takes half a MiB.
constexpr Bytes list_limit = mebibytes(32);

std::string with_underscores(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

/// "kernel/drivers/md/dm-snapshot.ko.xz: ..." -> "dm_snapshot"
std::string module_in(std::string_view line) {
  line = line.substr(0, line.find(':'));
  line = line.substr(line.rfind('/') + 1);
  const auto suffix = line.find(".ko");
  return suffix == std::string_view::npos ? "" : with_underscores(line.substr(0, suffix));
}

bool lists(const Path& file, const std::string& module) {
  const auto text = read_file_if_exists(file, list_limit);
  if (!text) return false;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);)
    if (module_in(line) == module) return true;
  return false;
}

bool is_in_modules(const HostPaths& host, std::string_view list, const std::string& module) {
  const auto release = KernelRelease::of(host).text;
  return std::ranges::any_of(std::array{"lib/modules", "usr/lib/modules"}, [&](const char* directory) {
    return lists(host.at(directory) / release / list, module);
  });
}

/// "install dm-crypt /bin/false", with which administrators keep modules out.
bool is_install_that_fails(const std::string& line, const std::string& module) {
  std::istringstream words(line);
  std::string verb, name, program;
  words >> verb >> name >> program;
  return verb == "install" && with_underscores(name) == module &&
         (program.ends_with("/false") || program.ends_with("/true") || program == "false" ||
          program == "true");
}

bool is_kept_out(const HostPaths& host, const std::string& module) {
  for (const char* directory : {"etc/modprobe.d", "run/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"})
    for (const auto& name : host.names_in(directory)) {
      if (!name.ends_with(".conf")) continue;
      const auto text = read_file_if_exists(host.at(directory) / name, mebibytes(1));
      std::istringstream lines(text.value_or(""));
      for (std::string line; std::getline(lines, line);)
        if (is_install_that_fails(line, module)) return true;
    }
  return host.line_of("proc/sys/kernel/modules_disabled") == "1";
}

}  // namespace

KernelRelease KernelRelease::of(const HostPaths& host) {
  KernelRelease release;
  release.text = host.line_of("proc/sys/kernel/osrelease").value_or("");
  if (std::sscanf(release.text.c_str(), "%u.%u", &release.major, &release.minor) != 2)
    throw Error(ErrorKind::not_supported,
                fmt::format("'{}' is no version of a kernel: is /proc mounted?", release.text));
  return release;
}

ModuleState module_state(const HostPaths& host, std::string_view name) {
  const std::string module = with_underscores(name);
  if (path_exists(host.at("sys/module") / module)) return ModuleState::loaded;
  if (is_in_modules(host, "modules.builtin", module)) return ModuleState::loaded;
  if (!is_in_modules(host, "modules.dep", module)) return ModuleState::missing;
  return is_kept_out(host, module) ? ModuleState::refused : ModuleState::loadable;
}

}  // namespace cowshed
