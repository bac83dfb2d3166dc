// SPDX-License-Identifier: Apache-2.0
// The block device of every kind of volume, for writing and read-only, running and stopped, as the command
// line shows it.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <map>

#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class BlockDeviceTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    create_template("first");  // makes the directory of kernels
    must({"vm", "remove", "first"});
    make_kernel("with-modules");
    make_kernel("without-modules");
    create_sparse(kernel("with-modules") / "modules.img", mebibytes(1));
  }

  [[nodiscard]] Path kernel(const std::string& name) const { return state() / "vm-kernels" / name; }
  void make_kernel(const std::string& name) {
    make_directories(kernel(name));
    create_sparse(kernel(name) / "vmlinuz", kibibytes(4));
    create_sparse(kernel(name) / "initramfs", kibibytes(4));
  }

  /// A template with every kind of volume that is no snapshot, each for writing and read-only.
  void create_template_of_all_kinds() {
    must({"vm", "create", "all", "--kernel", "with-modules", "--size", "root=4M", "--size", "private=2M",
          "--size", "volatile=2M"});
    create_volume("origin-ro", {"rw=false"});
    create_volume("off", {"revisions_to_keep=-1"});
    create_volume("off-ro", {"revisions_to_keep=-1", "rw=false"});
    create_volume("volatile-ro", {"save_on_stop=false", "rw=false"});
  }
  void create_volume(const std::string& name, const Command& properties) {
    Command command{"volume", "create", "all:" + name, "--size", "2M"};
    command.insert(command.end(), properties.begin(), properties.end());
    must(command);
  }

  /// By name; those of `vm devices` are the same as those of `vm start`.
  std::map<std::string, nlohmann::json> start(const std::string& vm) {
    const auto started = json({"vm", "start", vm});
    EXPECT_EQ(json({"vm", "devices", vm}), started);
    std::map<std::string, nlohmann::json> devices;
    for (const auto& device : started) {
      EXPECT_EQ(device.at("vm"), vm);
      EXPECT_EQ(device.at("devtype"), "disk");
      EXPECT_TRUE(device.at("domain").is_null());
      devices[device.at("name")] = device;
      EXPECT_EQ(json({"volume", "info", vm + ":" + device.at("name").get<std::string>()}).at("block_device"),
                device);
    }
    return devices;
  }

  void expect_device(const nlohmann::json& device, bool rw) {
    SCOPED_TRACE(device.dump());
    EXPECT_EQ(device.at("rw"), rw);
    const Path path = device.at("path").get<std::string>(), node = device.at("node").get<std::string>();
    EXPECT_EQ(path, run_directory() / "dev" / device.at("vm").get<std::string>() /
                        device.at("name").get<std::string>());
    EXPECT_EQ(std::filesystem::read_symlink(path), node);
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISBLK(st.st_mode));
    EXPECT_EQ(::major(st.st_rdev), device.at("major"));
    EXPECT_EQ(::minor(st.st_rdev), device.at("minor"));
    rw ? expect_writable(path) : expect_write_protected(path);
  }

 private:
  static void expect_writable(const Path& path) {
    write_block(open_direct(path, O_RDWR), first_block, 'w');
    EXPECT_EQ(read_block(open_direct(path, O_RDONLY), first_block), 'w');
  }

  /// It is the kernel that refuses, not the mode of the node.
  static void expect_write_protected(const Path& path) {
    const Fd reading = open_direct(path, O_RDONLY);
    const char before = read_block(reading, first_block);
    int read_only = 0;
    ASSERT_EQ(::ioctl(reading.get(), BLKROGET, &read_only), 0);
    EXPECT_EQ(read_only, 1);
    EXPECT_TRUE(write_is_refused(path));
    EXPECT_EQ(read_block(reading, first_block), before);
  }
  static bool write_is_refused(const Path& path) {
    alignas(4096) static char block[4096] = {'x'};
    const Fd fd(::open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
    if (!fd.is_open()) return errno == EACCES || errno == EROFS || errno == EPERM;
    return ::pwrite(fd.get(), block, sizeof block, 0) < 0 &&
           (errno == EPERM || errno == EROFS || errno == EIO);
  }
};

TEST_F(BlockDeviceTest, OfEveryKindThatIsNoSnapshot) {
  create_template_of_all_kinds();
  const auto devices = start("all");
  ASSERT_EQ(devices.size(), 8U);
  for (const char* name : {"root", "private", "volatile", "off"}) expect_device(devices.at(name), true);
  for (const char* name : {"origin-ro", "off-ro", "volatile-ro"}) expect_device(devices.at(name), false);
  must({"vm", "stop", "all"});
}

TEST_F(BlockDeviceTest, OfSnapshots) {
  create_template_of_all_kinds();
  must({"vm", "create", "work", "--template", "all", "--size", "private=2M", "--size", "volatile=2M"});
  const auto devices = start("work");
  expect_device(devices.at("root"), true);
  expect_device(devices.at("private"), true);
  expect_device(devices.at("volatile"), true);
  expect_device(devices.at("origin-ro"), false);
  expect_device(devices.at("volatile-ro"), false);
  // Snapshots of those whose guest writes the image itself.
  expect_device(devices.at("off"), true);
  expect_device(devices.at("off-ro"), false);
  must({"vm", "stop", "work"});
}

TEST_F(BlockDeviceTest, AReadOnlySnapshotAndAReadOnlyRoot) {
  create_template("debian");
  create_app("work", "debian");
  must({"volume", "set", "work:root", "rw", "false"});
  must({"volume", "set", "debian:root", "rw", "false"});
  expect_device(start("work").at("root"), false);
  expect_device(start("debian").at("root"), false);
  must({"vm", "stop", "debian", "work"});
}

TEST_F(BlockDeviceTest, OfAKernelIsItsFileOfModules) {
  must({"vm", "create", "one", "--kernel", "with-modules", "--size", "root=1M", "--size", "private=1M",
        "--size", "volatile=1M"});
  const auto device = start("one").at("kernel");
  const std::string file = (kernel("with-modules") / "modules.img").native();
  EXPECT_EQ(device.at("path"), file);
  EXPECT_EQ(device.at("node"), file);
  EXPECT_TRUE(device.at("major").is_null());
  EXPECT_TRUE(device.at("minor").is_null());
  EXPECT_EQ(device.at("rw"), false);
  must({"vm", "stop", "one"});
}

TEST_F(BlockDeviceTest, AKernelWithoutModulesHasNone) {
  must({"vm", "create", "one", "--kernel", "without-modules", "--size", "root=1M", "--size", "private=1M",
        "--size", "volatile=1M"});
  EXPECT_FALSE(start("one").contains("kernel"));
  EXPECT_TRUE(json({"volume", "info", "one:kernel"}).at("block_device").is_null());
  must({"vm", "stop", "one"});
}

TEST_F(BlockDeviceTest, OfAStoppedVolumeHasItsPathButNoNode) {
  create_template_of_all_kinds();
  for (const char* name : {"root", "private", "volatile", "off", "origin-ro", "off-ro", "volatile-ro"}) {
    const auto device = json({"volume", "info", "all:" + std::string(name)}).at("block_device");
    SCOPED_TRACE(device.dump());
    EXPECT_EQ(device.at("name"), name);
    EXPECT_EQ(device.at("path"), (run_directory() / "dev/all" / name).native());
    EXPECT_FALSE(path_exists(device.at("path").get<std::string>()));
    EXPECT_TRUE(device.at("node").is_null());
    EXPECT_TRUE(device.at("major").is_null());
    EXPECT_EQ(device.at("rw"), !std::string(name).ends_with("-ro"));
  }
  const Outcome outcome = cowshed({"--json", "vm", "devices", "all"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(nlohmann::json::parse(outcome.err).at("error").at("kind"), "not_running");
}

TEST_F(BlockDeviceTest, LinesForPeopleSayTheSame) {
  create_template("debian");
  must({"volume", "set", "debian:private", "rw", "false"});
  const std::string base = (run_directory() / "dev/debian").native();
  EXPECT_EQ(must({"vm", "start", "debian"}), "debian:root " + base + "/root rw\n" + "debian:private " + base +
                                                 "/private ro\n" + "debian:volatile " + base +
                                                 "/volatile rw\n");
  must({"vm", "stop", "debian"});
}

}  // namespace
}  // namespace cowshed::test
