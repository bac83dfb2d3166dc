// SPDX-License-Identifier: Apache-2.0
#include "support/udev_fixture.h"

#include <fmt/core.h>

#include "support/process.h"

namespace cowshed::test {

namespace {

const Path installed_rules = "/run/udev/rules.d/05-cowshed.rules";
constexpr const char* our_rules = COWSHED_SOURCE_DIR "/udev/05-cowshed.rules";

void run(const std::vector<std::string>& program) {
  const Outcome outcome = run_program(program);
  ASSERT_TRUE(outcome.ok()) << program.front() << ": " << outcome.text();
}

}  // namespace

void settle() { run({"udevadm", "settle", "--timeout=600"}); }

GuestImages::GuestImages(Path directory) : directory_(std::move(directory)) {
  make_ext4("ext4");
  make_physical_volume("lvm");
  create_sparse(directory_ / "parted", size);
  write_partition_table("parted");
  make_ext4("all");
  copy_lvm_label("lvm", "all");
  write_partition_table("all");
}

void GuestImages::make_ext4(const std::string& name) {
  create_sparse(path(name), size);
  run({"mkfs.ext4", "-q", "-L", "guest-" + name, path(name).native()});
}

/// pvcreate wants a block device.
void GuestImages::make_physical_volume(const std::string& name) {
  const Fd file = create_sparse(path(name), size);
  run({"losetup", "/dev/loop9", path(name).native()});
  run({"pvcreate", "-q", "-y", "/dev/loop9"});
  run({"losetup", "-d", "/dev/loop9"});
}

void GuestImages::copy_lvm_label(const std::string& from, const std::string& to) {
  constexpr off_t label_sector = 512;
  std::string label(512, '\0');
  const Fd source = open_file(path(from), O_RDONLY), target = open_file(path(to), O_RDWR);
  ASSERT_EQ(::pread(source.get(), label.data(), label.size(), label_sector), 512);
  ASSERT_EQ(label.substr(0, 8), "LABELONE");
  ASSERT_EQ(::pwrite(target.get(), label.data(), label.size(), label_sector), 512);
}

/// An MBR with one partition of type Linux.
void GuestImages::write_partition_table(const std::string& name) {
  constexpr unsigned char first[16] = {0, 0, 2, 0, 0x83, 0, 2, 0, 8, 0, 0, 0, 0, 32, 0, 0};
  constexpr unsigned char disk_id[4] = {0xc0, 0x35, 0x4e, 0xd0};
  constexpr unsigned char magic[2] = {0x55, 0xaa};
  const Fd file = open_file(path(name), O_RDWR);
  ASSERT_EQ(::pwrite(file.get(), disk_id, sizeof disk_id, 440), 4);
  ASSERT_EQ(::pwrite(file.get(), first, sizeof first, 446), 16);
  ASSERT_EQ(::pwrite(file.get(), magic, sizeof magic, 510), 2);
}

void UdevTest::SetUp() {
  FilePoolTest::SetUp();
  if (IsSkipped()) return;
  ASSERT_TRUE(path_exists("/run/udev/control")) << "this needs the lane with udev: scripts/vm --kernel qemu";
  images_ = std::make_unique<GuestImages>(scratch());
  settle();
}

void UdevTest::TearDown() {
  FilePoolTest::TearDown();
  remove_rules();
}

void UdevTest::install_rules() {
  make_directories(installed_rules.parent_path());
  replace_file(installed_rules, read_file(our_rules, mebibytes(1)));
  run({"udevadm", "control", "--reload"});
  run({"udevadm", "trigger", "--settle", "--action=change", "--sysname-match=loop*",
       "--subsystem-match=block"});
}

void UdevTest::remove_rules() {
  unlink_if_exists(installed_rules);
  run({"udevadm", "control", "--reload"});
}

pools::Volume& UdevTest::origin_of(const std::string& image, std::optional<int> revisions) {
  auto p = properties("appvms/" + image + "/root");
  p.save_on_stop = true;
  p.size = GuestImages::size;
  p.revisions_to_keep = revisions;
  pools::Volume& volume = add(p);
  volume.create({.image = images().path(image), .progress = {}}).get();
  return volume;
}

std::vector<std::string> UdevTest::devices() {
  std::vector<std::string> names;
  for (const auto& device : control().list()) names.push_back(fmt::format("dm-{}", device.number.minor));
  for (const auto& loop : loop::list()) names.push_back(fmt::format("loop{}", loop.number));
  return names;
}

namespace {

/// What udev knows of a device: lines of its database, as "E:ID_FS_TYPE=ext4", "S:disk/by-uuid/...".
std::vector<std::string> udev_record(const std::string& device) {
  std::string number = read_file("/sys/class/block/" + device + "/dev", kibibytes(1));
  number.resize(number.find('\n'));
  const Path file = "/run/udev/data/b" + number;
  return path_exists(file) ? lines_of(read_file(file, mebibytes(1))) : std::vector<std::string>{};
}

}  // namespace

std::vector<std::string> findings(const std::string& device) {
  std::vector<std::string> found = udev_record(device);
  std::erase_if(found, [](const std::string& line) {
    return !line.starts_with("S:") && !line.starts_with("E:ID_FS_") && !line.starts_with("E:ID_PART_") &&
           !line.starts_with("E:LVM_");
  });
  return found;
}

bool is_watched(const std::string& device) {
  const std::string id = "b" + read_file("/sys/class/block/" + device + "/dev", kibibytes(1));
  for (const auto& entry : std::filesystem::directory_iterator("/run/udev/watch"))
    if (entry.path().filename() == id.substr(0, id.size() - 1)) return true;
  return false;
}

namespace {

bool has_partitions(const std::string& device) {
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block/" + device))
    if (entry.path().filename().native().starts_with(device)) return true;
  return false;
}

}  // namespace

std::vector<std::string> links_to(const std::set<std::string>& devices) {
  std::vector<std::string> links;
  std::error_code none;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/dev/disk", none)) {
    if (!entry.is_symlink()) continue;
    const std::string target = std::filesystem::read_symlink(entry.path()).filename();
    if (devices.contains(target)) links.push_back(fmt::format("{} -> {}", entry.path().native(), target));
  }
  return links;
}

void expect_untouched(const std::vector<std::string>& devices) {
  for (const auto& device : devices) {
    EXPECT_EQ(findings(device), std::vector<std::string>{}) << device;
    EXPECT_FALSE(is_watched(device)) << device;
    EXPECT_FALSE(has_partitions(device)) << device;
  }
  EXPECT_EQ(links_to({devices.begin(), devices.end()}), std::vector<std::string>{});
}

void expect_not_probed(DeviceWatch& watch) {
  for (const auto& access : watch.foreign({"dm-", "loop"})) {
    const bool is_lock = access.device.starts_with("loop") && !access.read &&
                         (access.program == "(udev-worker)" || access.program.empty());
    EXPECT_TRUE(is_lock) << to_string(access);
  }
}

}  // namespace cowshed::test
