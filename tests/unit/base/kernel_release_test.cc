// SPDX-License-Identifier: Apache-2.0
#include "base/kernel_release.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/errors.h"
#include "support/fake_host.h"

namespace cowshed {
namespace {

class KernelReleaseTest : public testing::Test {
 protected:
  KernelReleaseTest() : host_(directory()) {}
  ~KernelReleaseTest() override { std::filesystem::remove_all(host_.paths().root); }

  static Path directory() {
    std::string name = testing::TempDir() + "cowshed-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Error::from_errno(errno, "mkdtemp");
    return name;
  }
  ModuleState state(std::string_view module) { return module_state(host_.paths(), module); }

  test::FakeHost host_;
};

TEST_F(KernelReleaseTest, IsComparedByNumbers) {
  const auto release = KernelRelease::of(host_.paths());
  EXPECT_EQ(release.text, "6.1.0-42-amd64");
  EXPECT_TRUE(release.is_at_least(5, 8));
  EXPECT_TRUE(release.is_at_least(6, 1));
  EXPECT_FALSE(release.is_at_least(6, 2));
  EXPECT_FALSE(release.is_at_least(7, 0));
  host_.write("proc/sys/kernel/osrelease", "5.10.3");
  EXPECT_TRUE(KernelRelease::of(host_.paths()).is_at_least(5, 8));
}

TEST_F(KernelReleaseTest, WhatIsNoVersionIsRefused) {
  host_.write("proc/sys/kernel/osrelease", "unknown");
  test::expect_error(ErrorKind::not_supported, [&] { KernelRelease::of(host_.paths()); });
  host_.remove("proc/sys/kernel/osrelease");
  test::expect_error(ErrorKind::not_supported, [&] { KernelRelease::of(host_.paths()); });
}

TEST_F(KernelReleaseTest, AModuleIsFoundWhereverItIs) {
  EXPECT_EQ(state("dm-snapshot"), ModuleState::loaded);
  host_.unload("dm_snapshot");
  EXPECT_EQ(state("dm-snapshot"), ModuleState::loadable);
  EXPECT_EQ(state("dm-snap"), ModuleState::missing);
  host_.write("lib/modules/6.1.0-42-amd64/modules.builtin", "kernel/drivers/md/dm-builtin.ko\n");
  EXPECT_EQ(state("dm_builtin"), ModuleState::loaded);
  host_.write("usr/lib/modules/6.1.0-42-amd64/modules.dep", "kernel/other.ko:\n");
  EXPECT_EQ(state("other"), ModuleState::loadable);
}

TEST_F(KernelReleaseTest, AModuleMayBeKeptOut) {
  host_.unload("dm_crypt");
  host_.write("etc/modprobe.d/notes", "install dm-crypt /bin/false\n");
  EXPECT_EQ(state("dm-crypt"), ModuleState::loadable) << "modprobe reads *.conf only";
  host_.write("etc/modprobe.d/no.conf", "# none\ninstall dm-crypt /bin/false\n");
  EXPECT_EQ(state("dm-crypt"), ModuleState::refused);
  host_.remove("etc/modprobe.d");
  host_.write("proc/sys/kernel/modules_disabled", "1\n");
  EXPECT_EQ(state("dm-crypt"), ModuleState::refused);
  host_.write("proc/sys/kernel/modules_disabled", "0\n");
  EXPECT_EQ(state("dm-crypt"), ModuleState::loadable);
}

}  // namespace
}  // namespace cowshed
