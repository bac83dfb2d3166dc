// SPDX-License-Identifier: Apache-2.0
#include "app/links.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

[[noreturn]] void fail(const char* what, const Path& path) {
  throw Error::from_errno(errno, fmt::format("{} '{}'", what, path.native()));
}

void replace_link(const Path& target, const Path& link) {
  const Path temporary = link.native() + ".new";
  unlink_if_exists(temporary);
  if (::symlink(target.c_str(), temporary.c_str()) < 0) fail("create link", temporary);
  if (::rename(temporary.c_str(), link.c_str()) < 0) fail("create link", link);
}

void make_directory(const Path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) fail("create directory", directory);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw Error::from_errno(error.value(), fmt::format("create '{}'", directory.native()));
}

/// Without looking first: in the usual case one system call.
void make_link(const Path& target, const Path& link) {
  if (::symlink(target.c_str(), link.c_str()) == 0) return;
  if (errno != EEXIST) fail("create link", link);
  replace_link(target, link);
}

/// With its access from the first moment on in which it can be opened.
void make_node(const pools::BlockDevice& device, const NodeAccess& access, const Path& node) {
  constexpr mode_t nobodys = 0;
  unlink_if_exists(node);
  if (::mknod(node.c_str(), S_IFBLK | nobodys, ::makedev(device.major, device.minor)) < 0)
    fail("create device node", node);
  if (::chown(node.c_str(), access.owner, access.group) < 0) fail("change owner of", node);
  if (::chmod(node.c_str(), access.mode) < 0) fail("change mode of", node);
}

/// False where there was none.
bool remove_directory(const Path& directory) {
  std::error_code error;
  const auto removed = std::filesystem::remove_all(directory, error);
  if (error) throw Error::from_errno(error.value(), fmt::format("remove '{}'", directory.native()));
  return removed != 0;
}

}  // namespace

void publish_links(const Locations& locations, const VmName& vm, std::span<pools::BlockDevice> devices,
                   const std::optional<NodeAccess>& access) {
  Undo undo([&] { withdraw_links(locations, vm); });
  make_directory(locations.devices(vm));
  if (access) make_directory(locations.nodes(vm));
  for (auto& device : devices) {
    if (!device.path.empty()) continue;
    device.path = locations.device(vm, device.name);
    if (!access) {
      make_link(device.node, device.path);
      continue;
    }
    const Path node = locations.node(vm, device.name);
    make_node(device, *access, node);
    make_link(node, device.path);
  }
  undo.release();
}

std::optional<NodeAccess> access_of_nodes(const Locations& locations, const VmName& vm) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(locations.nodes(vm), error)) {
    struct stat st {};
    if (::lstat(entry.path().c_str(), &st) == 0)
      return NodeAccess{st.st_uid, st.st_gid, st.st_mode & mode_t{0777}};
  }
  return std::nullopt;
}

void withdraw_nodes(const Locations& locations, const VmName& vm) {
  const Path directory = locations.nodes(vm);
  // Usually there are none.
  if (::rmdir(directory.c_str()) < 0 && errno == ENOTEMPTY) remove_directory(directory);
}

bool withdraw_link(const Locations& locations, const VmName& vm, const std::string& volume) {
  return unlink_if_exists(locations.device(vm, volume));
}

bool withdraw_links(const Locations& locations, const VmName& vm) {
  withdraw_nodes(locations, vm);
  const Path directory = locations.devices(vm);
  // Usually it is empty by now.
  return ::rmdir(directory.c_str()) == 0 || remove_directory(directory);
}

}  // namespace cowshed::app
