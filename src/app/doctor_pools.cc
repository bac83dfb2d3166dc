// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "app/doctor_file_system.h"
#include "app/doctor_parts.h"
#include "base/error.h"
#include "base/mount.h"
#include "io/checkup.h"

namespace cowshed::app {

namespace {

constexpr const char* directory_parameter = "dir_path";
constexpr const char* kernel_driver = "linux-kernel";
constexpr const char* sharing_driver = "file-reflink";

struct Place {
  std::string pool;
  std::string driver;
  Path directory;
};

/// Where a pool that is not there yet would be made.
Path nearest_existing(Path directory) {
  while (!path_exists(directory) && directory.has_relative_path()) directory = directory.parent_path();
  return std::filesystem::canonical(directory);
}

Mount mount_under(const HostPaths& host, const Path& directory) {
  const auto text = read_file(host.at("proc/self/mountinfo"), mebibytes(16));
  if (auto mount = mount_of(directory, text)) return *mount;
  throw Error(ErrorKind::not_found, fmt::format("no mount shows '{}'", directory.native()));
}

Finding is_there(const Place& place, bool may_be_missing) {
  const std::string name = place.directory.native();
  if (std::filesystem::is_directory(place.directory))
    return good(fmt::format("'{}' ({})", name, place.driver));
  if (path_exists(place.directory))
    return bad(fmt::format("'{}' is no directory", name), fmt::format("mv {} elsewhere", name));
  if (may_be_missing) return good(fmt::format("'{}' does not exist yet; it is made when it is needed", name));
  return bad(fmt::format("'{}' does not exist", name),
             "mount its file system, or: cowshed pool remove " + place.pool);
}

Finding room(const Path& directory) {
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) < 0) throw Error::from_errno(errno, "statvfs");
  return judge_space({Bytes{found.f_blocks * found.f_frsize}, Bytes{found.f_bavail * found.f_frsize},
                      found.f_files, found.f_favail});
}

void check_files(Checkup& checkup, const HostPaths& host, const Place& place, bool keeps_volumes) {
  const auto nearest = [&] { return nearest_existing(place.directory); };
  checkup.check("pool.file_system", place.pool,
                [&] { return judge_file_system(mount_under(host, nearest())); });
  if (!keeps_volumes) return;
  checkup.check("pool.mount", place.pool, [&] { return judge_options(mount_under(host, nearest())); });
  std::error_code none;
  Path directory = place.directory;
  while (!std::filesystem::exists(directory, none) && directory.has_relative_path())
    directory = directory.parent_path();
  io::check_directory(checkup, "pool", place.pool, directory, place.driver == sharing_driver);
  checkup.check("pool.space", place.pool, [&] { return room(nearest()); });
}

Finding plugin(const Path& file) {
  if (::access(file.c_str(), R_OK) == 0) return good(fmt::format("its driver is '{}'", file.native()));
  const auto why = Error::from_errno(errno, fmt::format("its driver '{}' cannot be read", file.native()));
  return bad(why.message(), "install the plug-in again");
}

void check_pool(Checkup& checkup, const HostPaths& host, const std::string& name,
                const PoolDefinition& definition) {
  if (definition.plugin) checkup.check("pool.plugin", name, [&] { return plugin(*definition.plugin); });
  const auto directory = definition.parameters.find(directory_parameter);
  if (directory == definition.parameters.end()) return;
  const Place place{name, definition.plugin ? "a plug-in" : definition.driver, directory->second};
  const bool keeps_kernels = definition.driver == kernel_driver;
  checkup.check("pool.directory", name, [&] { return is_there(place, keeps_kernels); });
  check_files(checkup, host, place, !keeps_kernels);
}

/// The pool that the first start makes.
void check_first_pool(Checkup& checkup, const HostPaths& host, const Locations& locations) {
  const Place place{"varlib", "not made yet", locations.state};
  checkup.check("pool.directory", place.pool, [&] { return is_there(place, true); });
  check_files(checkup, host, place, true);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

/// What two share: the line says which two.
class Owners {
 public:
  void add(const std::string& what, const std::string& owner) {
    const auto [first, is_new] = owners_.emplace(what, owner);
    if (!is_new) shared_.push_back(fmt::format("{} and {} both have '{}'", first->second, owner, what));
  }
  [[nodiscard]] const std::vector<std::string>& shared() const { return shared_; }

 private:
  std::map<std::string, std::string> owners_;
  std::vector<std::string> shared_;
};

std::string real(const std::string& path) {
  std::error_code error;
  const auto result = std::filesystem::weakly_canonical(path, error);
  return error ? path : result.native();
}

Finding pools_apart(const Config& config) {
  Owners owners;
  for (const auto& [name, pool] : config.pools)
    if (const auto directory = pool.parameters.find(directory_parameter); directory != pool.parameters.end())
      owners.add(real(directory->second), fmt::format("pool {}", name.str()));
  if (owners.shared().empty()) return good("each pool has a directory of its own");
  return bad(joined(owners.shared()) + ": each takes the other's volumes for its own",
             "cowshed pool remove one of them, when it has no volumes");
}

Finding volumes_apart(const Definitions& definitions) {
  Owners owners;
  for (const auto& [name, vm] : definitions.vms)
    for (const auto& volume : vm.volumes) {
      // A kernel is used by many.
      const auto pool = definitions.config->pools.find(volume.pool);
      if (pool != definitions.config->pools.end() && pool->second.driver == kernel_driver) continue;
      owners.add(fmt::format("{}:{}", volume.pool.str(), volume.properties.vid.str()),
                 fmt::format("{}:{}", name.str(), volume.properties.name.str()));
    }
  if (owners.shared().empty()) return good("each volume has files of its own");
  return bad(joined(owners.shared()) + ": what one writes destroys the other",
             "put \"vid\" right in vms/NAME.json of one of them");
}

}  // namespace

void check_pools(Checkup& checkup, const HostPaths& host, const Locations& locations,
                 const Definitions& definitions) {
  if (definitions.config)
    for (const auto& [name, pool] : definitions.config->pools) check_pool(checkup, host, name.str(), pool);
  else if (!path_exists(locations.config()))
    check_first_pool(checkup, host, locations);
}

void check_owners(Checkup& checkup, const Definitions& definitions) {
  if (!definitions.config) return;
  checkup.check("pools.apart", [&] { return pools_apart(*definitions.config); });
  checkup.check("volumes.apart", [&] { return volumes_apart(definitions); });
}

}  // namespace cowshed::app
