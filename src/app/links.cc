// SPDX-License-Identifier: Apache-2.0
#include "app/links.h"

#include <fmt/core.h>
#include <sys/stat.h>
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

}  // namespace

void publish_links(const Locations& locations, const VmName& vm, std::span<pools::BlockDevice> devices) {
  Undo undo([&] { withdraw_links(locations, vm); });
  make_directory(locations.devices(vm));
  for (auto& device : devices) {
    if (!device.path.empty()) continue;
    device.path = locations.device(vm, device.name);
    make_link(device.node, device.path);
  }
  undo.release();
}

bool withdraw_link(const Locations& locations, const VmName& vm, const std::string& volume) {
  return unlink_if_exists(locations.device(vm, volume));
}

bool withdraw_links(const Locations& locations, const VmName& vm) {
  const Path directory = locations.devices(vm);
  // Usually it is empty by now.
  if (::rmdir(directory.c_str()) == 0) return true;
  std::error_code error;
  const auto removed = std::filesystem::remove_all(directory, error);
  if (error) throw Error::from_errno(error.value(), fmt::format("remove '{}'", directory.native()));
  return removed != 0;
}

}  // namespace cowshed::app
