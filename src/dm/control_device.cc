// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "dm/control.h"

namespace cowshed::dm {

namespace {

const Path control_node = "/dev/" DM_DIR "/" DM_CONTROL_NODE;
const Path number_in_sysfs = "/sys/class/misc/device-mapper/dev";

class ControlDevice : public IoctlPort {
 public:
  explicit ControlDevice(Fd fd) : fd_(std::move(fd)) {}
  int issue(unsigned long request, void* buffer) override { return ::ioctl(fd_.get(), request, buffer); }
  [[nodiscard]] int poll_fd() const override { return fd_.get(); }

 private:
  Fd fd_;
};

Error not_there(int error_number) {
  return {ErrorKind::not_supported,
          "the kernel has no device-mapper, or its module dm_mod is not loaded (no " +
              number_in_sysfs.native() + ")",
          error_number};
}

DeviceNumber control_number() {
  if (!path_exists(number_in_sysfs)) throw not_there(ENOENT);
  std::string text = read_file(number_in_sysfs, kibibytes(1));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return DeviceNumber::parse(text);
}

/// In containers and initial file systems /dev may have no node for it.
void make_node() {
  const DeviceNumber number = control_number();
  make_directories(control_node.parent_path());
  if (::mknod(control_node.c_str(), S_IFCHR | 0600, makedev(number.major, number.minor)) < 0 &&
      errno != EEXIST)
    throw Error::from_errno(errno, fmt::format("create device node '{}'", control_node.native()));
}

Fd open_node() {
  if (auto fd = open_if_exists(control_node, O_RDWR)) return std::move(*fd);
  make_node();
  return open_file(control_node, O_RDWR);
}

std::unique_ptr<IoctlPort> port_over(Fd (*open)()) {
  try {
    return std::make_unique<ControlDevice>(open());
  } catch (const Error& error) {
    // A node without a driver behind it.
    if (error.error_number() == ENODEV || error.error_number() == ENXIO)
      throw not_there(error.error_number());
    throw;
  }
}

}  // namespace

std::unique_ptr<IoctlPort> open_control_device() { return port_over(open_node); }

std::unique_ptr<IoctlPort> open_existing_control_device() {
  return port_over([] {
    if (!path_exists(number_in_sysfs)) throw not_there(ENOENT);
    return open_file(control_node, O_RDWR);
  });
}

}  // namespace cowshed::dm
