// SPDX-License-Identifier: Apache-2.0
// On a host that lacks nothing all is good; each thing that is taken away makes its own check bad, and no
// other.
#include "app/doctor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <map>

#include "app/doctor_file_system.h"
#include "app/shipped_udev_rules.h"
#include "loop/loop.h"
#include "support/fake_host.h"
#include "support/picture.h"
#include "unit/app/app_fixture.h"
#include "unit/dm/fake_kernel.h"

namespace cowshed::app {
namespace {

using test::FakeKernel;

using Targets = std::map<std::string, dm::Version>;

/// dm_target_versions as the kernel lays them out.
std::string wire_of(const Targets& targets) {
  std::string all;
  std::size_t left = targets.size();
  for (const auto& [name, version] : targets) {
    std::string entry = test::wire(std::uint32_t{0}) + test::wire(version.major) + test::wire(version.minor) +
                        test::wire(version.patch) + name + '\0';
    test::pad(entry);
    if (--left > 0) entry.replace(0, 4, test::wire(static_cast<std::uint32_t>(entry.size())));
    all += entry;
  }
  return all;
}

class DoctorTest : public test::AppTest {
 protected:
  DoctorTest() : host_(directory_ / "host") {
    kernel_.answer = [this](const FakeKernel::Call& call, FakeKernel::Answer& answer) {
      if (call.request == DM_LIST_VERSIONS) answer.payload = wire_of(targets_);
    };
    patient_.host = host_.paths();
    patient_.device_mapper.open = [this] { return test::port_to(kernel_); };
    patient_.device_mapper.keyring_error = [] { return 0; };
    patient_.open_uring = [](const io::BackendSetup&) { return nullptr; };
    host_.start_udev();
    host_.write("usr/lib/udev/rules.d/05-cowshed.rules", std::string(shipped_udev_rules()));
  }

  std::map<std::string, Finding> findings() {
    std::map<std::string, Finding> result;
    for (const auto& check : examine(options(), patient_))
      result[check.about.empty() ? check.id : check.id + " " + check.about] = check.finding;
    return result;
  }
  static std::string told(const Finding& finding) {
    return std::string(to_string(finding.health)) + ": " + finding.seen + " -> " + finding.next;
  }
  /// Lets what the machine decides on which the test runs be.
  static bool is_of_this_machine(const std::string& id) {
    return id == "rights" || id.starts_with("limit.") || id.starts_with("program.") ||
           id.starts_with("pool.") || id == "state.directory" || id == "run.directory" ||
           id == "recovery.leftovers";
  }
  /// All others are good.
  void expect_only(const std::string& id, Health health, const std::string& seen, const std::string& next) {
    const auto all = findings();
    ASSERT_TRUE(all.contains(id)) << id;
    EXPECT_EQ(all.at(id).health, health) << told(all.at(id));
    EXPECT_NE(all.at(id).seen.find(seen), std::string::npos) << told(all.at(id));
    EXPECT_NE(all.at(id).next.find(next), std::string::npos) << told(all.at(id));
    for (const auto& [other, finding] : all)
      if (other != id && !is_of_this_machine(other)) {
        EXPECT_EQ(finding.health, Health::good) << other << " " << told(finding);
      }
  }
  Finding finding(const std::string& id) { return findings().at(id); }
  void expect(const std::string& id, Health health) {
    EXPECT_EQ(finding(id).health, health) << told(finding(id));
  }
  /// A pool in each of the directories.
  void configure(const std::map<std::string, Path>& pools, bool ephemeral_volatile = false) {
    Config config;
    for (const auto& [name, directory] : pools)
      config.pools[PoolName(name)] = {.driver = "file",
                                      .revisions_to_keep = std::nullopt,
                                      .parameters = {{"dir_path", directory.native()}},
                                      .ephemeral_volatile = ephemeral_volatile};
    write(locations_.config(), encode(config));
  }
  void use_ephemeral_volumes() { configure({{"fast", directory_}}, true); }

  test::FakeHost host_;
  FakeKernel kernel_;
  Targets targets_{{"linear", {1, 4, 0}},        {"error", {1, 5, 0}},           {"zero", {1, 1, 0}},
                   {"snapshot", {1, 16, 0}},     {"snapshot-origin", {1, 9, 0}}, {"crypt", {1, 24, 0}},
                   {"snapshot-merge", {1, 5, 0}}};
  Patient patient_;
};

TEST_F(DoctorTest, OnAHostThatLacksNothingAllIsGood) {
  for (const auto& [id, finding] : findings())
    if (!is_of_this_machine(id)) {
      EXPECT_EQ(finding.health, Health::good) << id << " " << told(finding);
      EXPECT_EQ(finding.next, "") << id;
    }
}

TEST_F(DoctorTest, EveryTroubleSaysWhatToDo) {
  host_.remove("");
  patient_.open_uring = [](const io::BackendSetup&) -> std::unique_ptr<io::Backend> {
    throw Error(ErrorKind::not_supported, "none", ENOSYS);
  };
  for (const auto& [id, finding] : findings())
    if (finding.health == Health::bad || finding.health == Health::warning) {
      EXPECT_NE(finding.next, "") << id;
      EXPECT_NE(finding.seen, "") << id;
    }
}

TEST_F(DoctorTest, ChangesNothing) {
  create("t");
  app_.reset();
  const auto before = test::picture_of_files(directory_, test::Detail::contents);
  findings();
  EXPECT_EQ(test::picture_of_files(directory_, test::Detail::contents), before);
}

TEST_F(DoctorTest, AnOldKernel) {
  host_.write("proc/sys/kernel/osrelease", "5.4.0\n");
  EXPECT_EQ(finding("kernel").health, Health::bad);
  EXPECT_EQ(finding("loop.configure").health, Health::bad);
  EXPECT_NE(finding("kernel").next.find("5.8"), std::string::npos);
}

TEST_F(DoctorTest, OneCheckThatBreaksIsUnknownAndStopsNoOther) {
  host_.remove("proc/sys/kernel/osrelease");
  const auto all = findings();
  EXPECT_EQ(all.at("kernel").health, Health::unknown);
  EXPECT_EQ(all.at("udev.rules").health, Health::good);
}

TEST_F(DoctorTest, DeviceMapperIsNotLoaded) {
  host_.remove("sys/class/misc/device-mapper");
  host_.unload("dm_mod");
  patient_.device_mapper.open = []() -> std::unique_ptr<dm::IoctlPort> {
    throw Error(ErrorKind::not_supported, "the kernel has no device-mapper");
  };
  EXPECT_EQ(finding("dm.control").health, Health::warning);
  EXPECT_EQ(finding("dm.control").next, "modprobe dm-mod");
  EXPECT_EQ(finding("dm.version").health, Health::unknown);
  host_.remove("lib/modules");
  EXPECT_EQ(finding("dm.control").health, Health::bad);
}

TEST_F(DoctorTest, WithoutRightsModulesStandForTargets) {
  patient_.device_mapper.open = []() -> std::unique_ptr<dm::IoctlPort> {
    throw Error(ErrorKind::permission, "open '/dev/mapper/control': Permission denied", EACCES);
  };
  EXPECT_EQ(finding("dm.version").health, Health::unknown);
  EXPECT_EQ(finding("dm.version").next, "run cowshed doctor as root");
  EXPECT_EQ(finding("dm.target.snapshot").health, Health::good);
  host_.remove("sys/module/dm_snapshot");
  EXPECT_EQ(finding("dm.target.snapshot").health, Health::bad);
}

TEST_F(DoctorTest, AnInterfaceThatIsTooOld) {
  kernel_.version[1] = 36;
  expect_only("dm.version", Health::bad, "interface 4.36.0, needed is 4.37", "boot a newer kernel");
}

TEST_F(DoctorTest, AMissingTarget) {
  targets_.erase("snapshot-origin");
  host_.remove("sys/module/dm_snapshot");
  expect_only("dm.target.snapshot-origin", Health::bad, "no module dm-snapshot", "modprobe dm-snapshot");
}

TEST_F(DoctorTest, AModuleWithoutTheTarget) {
  targets_.erase("snapshot-origin");
  expect_only("dm.target.snapshot-origin", Health::bad, "not what is needed of it", "boot another kernel");
}

TEST_F(DoctorTest, ATargetWhoseModuleIsNotLoadedYetIsAWarning) {
  targets_.erase("snapshot");
  host_.unload("dm_snapshot");
  expect_only("dm.target.snapshot", Health::warning, "not loaded", "modprobe dm-snapshot");
}

TEST_F(DoctorTest, ATargetWhoseModuleIsKeptOut) {
  targets_.erase("snapshot");
  host_.unload("dm_snapshot");
  host_.write("etc/modprobe.d/no.conf", "install dm_snapshot /bin/true\n");
  expect_only("dm.target.snapshot", Health::bad, "forbidden", "modprobe dm-snapshot");
}

TEST_F(DoctorTest, ATargetThatIsTooOld) {
  targets_["snapshot"] = {1, 15, 9};
  expect_only("dm.target.snapshot", Health::bad, "version 1.15.9, needed is 1.16.0", "boot a newer kernel");
}

TEST_F(DoctorTest, WhatOnlyEphemeralVolumesNeedIsBadWhereThereAreSome) {
  targets_.erase("crypt");
  host_.remove("sys/module/dm_crypt");
  expect_only("dm.target.crypt", Health::warning, "for ephemeral volumes", "modprobe dm-crypt");
  use_ephemeral_volumes();
  expect_only("dm.target.crypt", Health::bad, "for ephemeral volumes", "modprobe dm-crypt");
}

TEST_F(DoctorTest, NoKeyring) {
  patient_.device_mapper.keyring_error = [] { return ENOSYS; };
  expect("dm.keyring", Health::good);
  use_ephemeral_volumes();
  expect_only("dm.keyring", Health::warning, "root can read their keys", "CONFIG_KEYS");
}

TEST_F(DoctorTest, NoLoopDriver) {
  host_.remove("sys/class/misc/loop-control");
  host_.remove("sys/module/loop");
  EXPECT_EQ(finding("loop.control").health, Health::bad);
  EXPECT_EQ(finding("loop.limit").health, Health::unknown);
  host_.unload("loop");
  EXPECT_EQ(finding("loop.control").health, Health::warning);
  EXPECT_EQ(finding("loop.control").next, "modprobe loop");
}

TEST_F(DoctorTest, NoNodeToControlLoops) {
  host_.remove("dev/loop-control");
  expect_only("loop.control", Health::bad, "/dev/loop-control is missing", "mknod");
}

TEST_F(DoctorTest, LoopDevicesRunOut) {
  host_.write("sys/module/loop/parameters/max_part", "255\n");
  const auto attach = [&](int number, std::uint64_t limit) {
    host_.write(fmt::format("sys/block/loop{}/loop/sizelimit", number), fmt::format("{}\n", limit));
  };
  attach(0, loop::mark);
  attach(1, 0);
  host_.write("sys/block/loop2/size", "0\n");
  expect("loop.limit", Health::good);
  EXPECT_NE(finding("loop.limit").seen.find("2 of 4096 loop devices are attached, 1 of them by cowshed"),
            std::string::npos)
      << finding("loop.limit").seen;
  for (int number = 2; number < 4000; ++number) attach(number, 0);
  expect_only("loop.limit", Health::warning, "4000 of 4096", "max_part=0");
  for (int number = 4000; number < 4096; ++number) attach(number, 0);
  expect_only("loop.limit", Health::bad, "4096 of 4096", "stop VMs");
}

TEST_F(DoctorTest, IoUringIsSwitchedOff) {
  patient_.open_uring = [](const io::BackendSetup&) -> std::unique_ptr<io::Backend> {
    throw Error(ErrorKind::not_supported, "the kernel has no io_uring for this process", EPERM);
  };
  expect_only("io_uring", Health::warning, "by threads instead", "seccomp");
  host_.write("proc/sys/kernel/io_uring_disabled", "2\n");
  expect_only("io_uring", Health::warning, "kernel.io_uring_disabled=2", "sysctl kernel.io_uring_disabled=0");
}

TEST_F(DoctorTest, RulesOfUdevAreMissing) {
  host_.remove("usr/lib/udev/rules.d");
  expect_only("udev.rules", Health::bad, "is not installed", "udevadm control --reload");
  host_.remove("run/udev");
  expect("udev.rules", Health::good);
}

TEST_F(DoctorTest, RulesOfAnOlderVersionAreNotEnough) {
  const std::string old =
      "KERNEL==\"loop*\", ATTR{loop/backing_file}==\"/var/lib/cowshed/*\", OPTIONS+=\"nowatch\"\n";
  host_.write("usr/lib/udev/rules.d/05-cowshed.rules", old);
  expect_only("udev.rules", Health::bad, "does not know the devices of this version", "install -m 644");
}

TEST_F(DoctorTest, RulesThatSomebodyChangedAreAWarning) {
  host_.write("etc/udev/rules.d/05-cowshed.rules", std::string(shipped_udev_rules()) + "# mine\n");
  expect_only("udev.rules", Health::warning, "/etc/udev/rules.d/05-cowshed.rules is not the one", "install");
}

TEST_F(DoctorTest, RulesThatAreMaskedAreNone) {
  std::filesystem::create_directories(host_.paths().at("etc/udev/rules.d"));
  std::filesystem::create_symlink("/dev/null", host_.paths().at("etc/udev/rules.d/05-cowshed.rules"));
  expect_only("udev.rules", Health::bad, "/etc/udev/rules.d", "install");
}

TEST_F(DoctorTest, LvmThatLooksAtOurDevices) {
  host_.write("etc/lvm/lvm.conf", "devices {\n# global_filter = [ \"r|.*|\" ]\n}\n");
  expect("lvm.filter", Health::good);
  host_.write("usr/sbin/lvm", "");
  expect_only("lvm.filter", Health::warning, "/dev/dm-7, /dev/loop7", "global_filter = [");
  host_.write("etc/lvm/lvm.conf", "devices {\nfilter = [ \"r|^/dev/loop|\" ]\n}\n");
  expect_only("lvm.filter", Health::warning, "such as /dev/dm-7,", "global_filter = [");
}

TEST_F(DoctorTest, TheFilterThatIsAdvisedIsGood) {
  host_.write("usr/sbin/lvm", "");
  const std::string advice = finding("lvm.filter").next;
  host_.write("etc/lvm/lvm.conf", "devices {\n" + advice.substr(advice.find("global_filter")) + "\n}\n");
  expect("lvm.filter", Health::good);
}

TEST_F(DoctorTest, LvmWithADevicesFileLooksAtNothingElse) {
  host_.write("usr/sbin/lvm", "");
  host_.write("etc/lvm/lvm.conf", "devices {\nuse_devicesfile = 1\n}\n");
  expect("lvm.filter", Health::warning);
  host_.write("etc/lvm/devices/system.devices", "");
  expect("lvm.filter", Health::good);
}

TEST_F(DoctorTest, AllFilesOfTheHostAreOpen) {
  host_.write("proc/sys/fs/file-nr", "99999\t0\t100000\n");
  expect("limit.system_files", Health::warning);
  host_.write("proc/sys/fs/file-nr", "100000\t0\t100000\n");
  expect("limit.system_files", Health::bad);
  host_.write("proc/sys/fs/file-nr", "nonsense\n");
  expect("limit.system_files", Health::unknown);
}

TEST_F(DoctorTest, AStateDirectoryThatEverybodyMayWriteIn) {
  create("t");
  app_.reset();
  EXPECT_NE(finding("state.directory").health, Health::bad) << told(finding("state.directory"));
  ::chmod(locations_.state.c_str(), 0777);
  const auto open = finding("state.directory");
  EXPECT_EQ(open.health, Health::bad);
  EXPECT_EQ(open.next, "chmod o-w " + locations_.state.native());
  ::chmod(locations_.state.c_str(), 0770);
  expect("state.directory", Health::warning);
  ::chmod(locations_.state.c_str(), 0700);
  ::chmod(directory_.c_str(), 0777);
  expect("state.directory", Health::bad);
  ::chmod(directory_.c_str(), 01777);
  EXPECT_NE(finding("state.directory").health, Health::bad);
}

TEST_F(DoctorTest, ABrokenConfigurationIsOneBadCheck) {
  write(locations_.config(), "{");
  const auto all = findings();
  EXPECT_EQ(all.at("state.config").health, Health::bad);
  EXPECT_FALSE(all.contains("pools.apart"));
  EXPECT_EQ(all.at("dm.target.crypt").health, Health::good);
}

TEST_F(DoctorTest, ABrokenDefinitionOfAVm) {
  create("t");
  app_.reset();
  write(locations_.vm(VmName("odd")), "{");
  expect_only("state.vms", Health::bad, "odd.json", "put right");
}

TEST_F(DoctorTest, TwoPoolsInOneDirectory) {
  configure({{"a", directory_}, {"b", locations_.state / ".."}});
  expect_only("pools.apart", Health::bad, "pool a and pool b both have '" + directory_.native() + "'",
              "cowshed pool remove");
}

TEST_F(DoctorTest, TwoVolumesWithTheSameFiles) {
  create("t");
  app_.reset();
  std::filesystem::copy(locations_.vm(VmName("t")), locations_.vm(VmName("u")));
  expect_only("volumes.apart", Health::bad, "t:root and u:root both have", "vid");
}

TEST_F(DoctorTest, APoolWhoseDirectoryIsNotThere) {
  configure({{"gone", "/nowhere/at/all"}});
  expect("pool.directory gone", Health::bad);
  EXPECT_NE(finding("pool.directory gone").next.find("mount"), std::string::npos);
}

TEST_F(DoctorTest, APoolThatIsMountedBadly) {
  use_ephemeral_volumes();
  expect("pool.mount fast", Health::good);
  host_.write("proc/self/mountinfo", "25 1 8:2 / / ro,relatime - ext4 /dev/sda2 rw\n");
  expect_only("pool.mount fast", Health::bad, "read-only", "mount -o remount,rw /");
  host_.write("proc/self/mountinfo", "25 1 8:2 / / rw - nfs4 server:/x rw,nobarrier\n");
  expect("pool.mount fast", Health::bad);
  expect("pool.file_system fast", Health::warning);
  host_.write("proc/self/mountinfo", "");
  expect("pool.file_system fast", Health::unknown);
}

TEST_F(DoctorTest, WhereNothingMayBeWrittenNothingIsTried) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  use_ephemeral_volumes();
  ::chmod(directory_.c_str(), 0500);
  for (const char* id : {"pool.direct_io fast", "pool.punch_hole fast", "pool.sharing fast"})
    expect(id, Health::unknown);
  ::chmod(directory_.c_str(), 0700);
}

TEST_F(DoctorTest, WhatACrashLeftIsToldAndLeft) {
  create("t");
  app_.reset();
  expect("recovery.due", Health::good);
  write(locations_.lock(), "4242 vm start work");
  write(half_made(locations_.vm(VmName("t"))), "{");
  expect_only("recovery.due", Health::warning, "pid 4242 (vm start work)", "cowshed recover");
  expect("recovery.leftovers", Health::warning);
  EXPECT_NE(finding("recovery.leftovers").seen.find("half-written"), std::string::npos);
  EXPECT_TRUE(path_exists(half_made(locations_.vm(VmName("t")))));
}

TEST_F(DoctorTest, NobodysLockIsWaitedFor) {
  create("t");
  const auto begin = std::chrono::steady_clock::now();
  expect("recovery.due", Health::unknown);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(DoctorTest, ASocketOnWhichNobodyListens) {
  std::filesystem::create_directories(locations_.run);
  const Path socket = locations_.run / "io.cowshed";
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect("service", Health::warning);
  ASSERT_EQ(::listen(fd.get(), 4), 0);
  expect("service", Health::good);
}

TEST(DoctorFileSystemTest, SomeTypesAreNotForPools) {
  const auto health = [](const std::string& type) {
    return judge_file_system({.point = "/", .type = type, .source = "x", .options = {}}).health;
  };
  for (const char* type : {"ext4", "xfs", "btrfs"}) EXPECT_EQ(health(type), Health::good) << type;
  for (const char* type : {"tmpfs", "nfs4", "overlay", "hostfs", "fuse.sshfs"})
    EXPECT_EQ(health(type), Health::warning) << type;
  EXPECT_EQ(health("vfat"), Health::bad);
  EXPECT_EQ(health("newfs"), Health::unknown);
}

TEST(DoctorFileSystemTest, RoomIsJudgedByBytesAndInodes) {
  const auto health = [](const Room& room) { return judge_space(room).health; };
  EXPECT_EQ(health({gibibytes(10), gibibytes(2), 1000, 500}), Health::good);
  EXPECT_EQ(health({gibibytes(10), gibibytes(2), 0, 0}), Health::good) << "btrfs counts no inodes";
  EXPECT_EQ(health({gibibytes(10), mebibytes(900), 1000, 500}), Health::warning);
  EXPECT_EQ(health({gibibytes(10), mebibytes(10), 1000, 500}), Health::bad);
  EXPECT_EQ(health({gibibytes(10), gibibytes(2), 10000, 900}), Health::warning);
  EXPECT_EQ(health({gibibytes(10), gibibytes(2), 1000, 3}), Health::bad);
}

}  // namespace
}  // namespace cowshed::app
