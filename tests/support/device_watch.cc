// SPDX-License-Identifier: Apache-2.0
#include "support/device_watch.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>

#include "base/error.h"

namespace cowshed::test {

namespace {

std::string program_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

/// fanotify(7): behind the metadata of an event, the handle of the directory and then the name in it.
std::string name_in(const fanotify_event_metadata& event) {
  const char* const begin = reinterpret_cast<const char*>(&event);
  for (std::size_t at = event.metadata_len; at + sizeof(fanotify_event_info_fid) <= event.event_len;) {
    const auto* info = reinterpret_cast<const fanotify_event_info_fid*>(begin + at);
    const auto* handle = reinterpret_cast<const file_handle*>(info->handle);
    if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
      return reinterpret_cast<const char*>(handle->f_handle) + handle->handle_bytes;
    at += info->hdr.len;
  }
  return {};
}

}  // namespace

std::string to_string(const DeviceAccess& access) {
  return access.device + (access.read ? " was read by " : " was opened by ") +
         (access.program.empty() ? "a program that has ended" : access.program) + " (" +
         std::to_string(access.pid) + ")";
}

DeviceWatch::DeviceWatch()
    : fd_(::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
                              FAN_REPORT_DIR_FID | FAN_REPORT_NAME,
                          0)) {
  if (!fd_.is_open()) throw Error::from_errno(errno, "fanotify_init");
  if (::fanotify_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ACCESS, AT_FDCWD,
                      "/dev") < 0)
    throw Error::from_errno(errno, "fanotify_mark on /dev");
}

std::vector<DeviceAccess> DeviceWatch::all() {
  std::vector<DeviceAccess> result;
  alignas(fanotify_event_metadata) char buffer[65536];
  for (ssize_t size = 0; (size = ::read(fd_.get(), buffer, sizeof buffer)) > 0;) {
    const auto* event = reinterpret_cast<const fanotify_event_metadata*>(buffer);
    for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size))
      result.push_back(
          {name_in(*event), event->pid, program_of(event->pid), (event->mask & FAN_ACCESS) != 0});
  }
  return result;
}

std::vector<DeviceAccess> DeviceWatch::foreign(const std::vector<std::string>& prefixes) {
  auto accesses = all();
  std::erase_if(accesses, [&](const DeviceAccess& access) {
    return access.pid == ::getpid() || std::ranges::none_of(prefixes, [&](const std::string& prefix) {
             return access.device.starts_with(prefix);
           });
  });
  return accesses;
}

}  // namespace cowshed::test
