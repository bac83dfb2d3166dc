// SPDX-License-Identifier: Apache-2.0
#include "devices.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// The multicast group of the events as the kernel sends them (lib/kobject_uevent.c).
constexpr unsigned kernel_events = 1;

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_there(const char* path) { return ::access(path, F_OK) == 0; }

/// What is in sysfs of a device in use, empty for other devices.
std::string entry_of(const std::filesystem::path& block) {
  const std::string name = block.filename();
  if (name.starts_with("dm-")) return block / "dm";
  if (name.starts_with("loop")) return block / "loop/backing_file";
  return {};
}

}  // namespace

Devices Devices::now() {
  Devices devices;
  for (const auto& block : std::filesystem::directory_iterator("/sys/block")) {
    const std::string entry = entry_of(block.path());
    if (!entry.empty() && is_there(entry)) devices.entries_.push_back(entry);
  }
  std::sort(devices.entries_.begin(), devices.entries_.end());
  return devices;
}

std::vector<std::string> Devices::beyond(const Devices& before) const {
  std::vector<std::string> added;
  std::set_difference(entries_.begin(), entries_.end(), before.entries_.begin(), before.entries_.end(),
                      std::back_inserter(added));
  return added;
}

std::vector<std::string> entries_under(const std::string& node) {
  struct stat status {};
  if (::stat(node.c_str(), &status) < 0) throw std::system_error(errno, std::generic_category(), node);
  const std::filesystem::path block =
      std::filesystem::canonical("/sys/dev/block/" + std::to_string(major(status.st_rdev)) + ":" +
                                 std::to_string(minor(status.st_rdev)));
  const std::filesystem::path all("/sys/block");
  std::vector<std::string> entries{entry_of(all / block.filename())};
  for (const auto& lower : std::filesystem::directory_iterator(block / "slaves"))
    if (lower.path().filename().native().starts_with("loop"))
      entries.push_back(entry_of(all / lower.path().filename()));
  return entries;
}

Departure::Departure(std::vector<std::string> entries)
    : entries_(std::move(entries)),
      events_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kernel_events;
  if (::bind(events_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    throw std::system_error(errno, std::generic_category(), "kernel events");
}

/// An event lost to a full queue costs the time after which it is looked again anyway.
void Departure::wait_for_event() {
  pollfd ready{.fd = events_.get(), .events = POLLIN, .revents = 0};
  std::array<char, 4096> text;
  if (::poll(&ready, 1, 10) > 0) static_cast<void>(::recv(events_.get(), text.data(), text.size(), 0));
}

void Departure::wait() {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  for (const std::string& entry : entries_)
    while (is_there(entry)) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(entry + " did not go away");
      wait_for_event();
    }
}

void wait_for_udev() {
  if (!is_there("/run/udev/control")) return;
  // The file is there while events are queued; the first takes its way from the kernel to udev.
  for (int quiet = 0; quiet < 10; quiet = is_there("/run/udev/queue") ? 0 : quiet + 1)
    std::this_thread::sleep_for(2ms);
}

}  // namespace bench
