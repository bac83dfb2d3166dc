// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/device_watch.h"
#include "support/file_pool_fixture.h"

/// A running udev with Debian's rules, lvm2's included, and udev/05-cowshed.rules.
namespace cowshed::test {

/// Waits until udev has worked on all events.
void settle();

/// Images of what a guest may have written: an ext4 ("ext4"), an LVM physical volume ("lvm"), a partition
/// table
/// ("parted"), and one that has all of it ("all").
class GuestImages {
 public:
  explicit GuestImages(Path directory);
  [[nodiscard]] Path path(const std::string& name) const { return directory_ / name; }
  static constexpr Bytes size = mebibytes(8);
  static std::vector<std::string> names() { return {"ext4", "lvm", "parted", "all"}; }

 private:
  void make_ext4(const std::string& name);
  void make_physical_volume(const std::string& name);
  void copy_lvm_label(const std::string& from, const std::string& to);
  void write_partition_table(const std::string& name);

  Path directory_;
};

class UdevTest : public FilePoolTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// As the package does it: what udev has begun to watch under other rules it lets go of.
  void install_rules();
  void remove_rules();

  pools::Volume& origin_of(const std::string& image, std::optional<int> revisions = std::nullopt);
  GuestImages& images() { return *images_; }
  /// Names in /dev of all device-mapper and loop devices.
  std::vector<std::string> devices();

 private:
  std::unique_ptr<GuestImages> images_;
};

/// Of what udev knows of a device, links to it and what can only come from reading it: "S:disk/by-uuid/...",
/// "E:ID_FS_TYPE=ext4".
std::vector<std::string> findings(const std::string& device);
/// Does udev want to hear when a writer closes it?
bool is_watched(const std::string& device);
/// In /dev/disk.
std::vector<std::string> links_to(const std::set<std::string>& devices);

void expect_untouched(const std::vector<std::string>& devices);
/// udev opens a loop device for as long as it works on an event, to hold a shared lock: that reads nothing
/// and is not to be prevented by rules. Nothing else may open one, and nobody a device-mapper device.
void expect_not_probed(DeviceWatch& watch);

}  // namespace cowshed::test
