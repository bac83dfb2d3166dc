// SPDX-License-Identifier: Apache-2.0
// What the kernel tells udev: read from the netlink socket that udev reads from.
#include <fmt/core.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "dm/device.h"
#include "support/vm_fixture.h"

namespace cowshed::dm {
namespace {

/// The kernel's uevents, each a list of NUL-terminated strings (Documentation: lib/kobject_uevent.c).
class Uevents {
 public:
  Uevents() : fd_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;  // those of the kernel; udevd's own are 2
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
      throw Error::from_errno(errno, "bind to uevents");
  }

  /// The DM_COOKIE of each event about a dm device, by "action"; "none" where there is none.
  std::vector<std::string> dm_cookies() {
    std::vector<std::string> cookies;
    std::string message(16384, '\0');
    for (ssize_t size = 0; (size = ::recv(fd_.get(), message.data(), message.size(), 0)) > 0;) {
      const std::string text = message.substr(0, static_cast<std::size_t>(size));
      if (text.find("/block/dm-") == std::string::npos) continue;
      const std::string action = text.substr(0, text.find('@'));
      cookies.push_back(action + " " + value_of(text, "DM_COOKIE="));
    }
    return cookies;
  }

 private:
  static std::string value_of(const std::string& text, const std::string& key) {
    const auto begin = text.find(key);
    return begin == std::string::npos ? "none" : std::string(text.c_str() + begin + key.size());
  }
  Fd fd_;
};

class DmUdevTest : public test::VmTest {};

TEST_F(DmUdevTest, EveryEventAfterTheFirstTellsUdevToLeaveTheDeviceAlone) {
  Uevents uevents;
  {
    const DmName name("COWSHED-test");
    const DmUuid uuid("COWSHED-uuid");
    const Device device = Device::bring_up(control(), name, uuid, whole_device({8}, Zero{}));
    control().rename(name, DmName("COWSHED-renamed"));
    control().suspend(uuid);
    control().resume(uuid);
  }
  // 0x4f0000; the kernel makes the block device known by itself, without a cookie, and udev's rules ignore
  // that event.
  const std::string cookie = "5177344";
  const std::vector<std::string> expected = {"add none", "change " + cookie, "change " + cookie,
                                             "change " + cookie, "remove " + cookie};
  auto seen = uevents.dm_cookies();
  std::erase(seen, "remove none");  // of the queue and the bdi below it
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace cowshed::dm
