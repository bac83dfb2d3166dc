// SPDX-License-Identifier: Apache-2.0
#include "base/mount.h"

#include <gtest/gtest.h>

namespace cowshed {
namespace {

const std::string mounts =
    "25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
    "30 25 0:5 / /var/lib rw,nosuid shared:2 master:1 - btrfs /dev/sdb rw,nobarrier\n"
    "31 25 0:6 / /with\\040blank rw - xfs /dev/my\\040disk rw\n"
    "32 30 0:7 / /var/lib/cowshed ro - tmpfs tmpfs rw\n"
    "nonsense\n";

TEST(MountTest, IsTheNearestAbove) {
  EXPECT_EQ(mount_of("/", mounts)->type, "ext4");
  EXPECT_EQ(mount_of("/var/library", mounts)->type, "ext4");
  EXPECT_EQ(mount_of("/var/lib", mounts)->type, "btrfs");
  EXPECT_EQ(mount_of("/var/lib/other/deep", mounts)->type, "btrfs");
  EXPECT_EQ(mount_of("/var/lib/cowshed/vms", mounts)->point, "/var/lib/cowshed");
  EXPECT_FALSE(mount_of("/", ""));
}

TEST(MountTest, HasOptionsOfMountAndFileSystem) {
  const auto mount = *mount_of("/var/lib", mounts);
  EXPECT_TRUE(mount.options.contains("nosuid"));
  EXPECT_TRUE(mount.options.contains("nobarrier"));
  EXPECT_EQ(mount.source, "/dev/sdb");
  const auto read_only = *mount_of("/var/lib/cowshed", mounts);
  EXPECT_TRUE(read_only.options.contains("ro"));
  EXPECT_FALSE(read_only.options.contains("rw"));
}

TEST(MountTest, NamesWithBlanksAreWhole) {
  const auto mount = *mount_of("/with blank/pool", mounts);
  EXPECT_EQ(mount.point, "/with blank");
  EXPECT_EQ(mount.source, "/dev/my disk");
}

TEST(MountTest, OfTwoOnOnePlaceTheLaterCounts) {
  const auto twice = mounts + "40 25 0:9 / /var/lib rw - xfs /dev/sdc rw\n";
  EXPECT_EQ(mount_of("/var/lib", twice)->type, "xfs");
}

}  // namespace
}  // namespace cowshed
