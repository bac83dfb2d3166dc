// SPDX-License-Identifier: Apache-2.0
// Guest data is probed by nobody: a running udev with Debian's rules, lvm2's included, and
// udev/05-cowshed.rules.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "support/process.h"
#include "support/udev_fixture.h"

namespace cowshed::test {
namespace {

void must_run(const std::vector<std::string>& program) {
  const Outcome outcome = run_program(program);
  ASSERT_TRUE(outcome.ok()) << program.front() << ": " << outcome.text();
}

/// A loop device of somebody else's.
class ForeignLoop {
 public:
  explicit ForeignLoop(const Path& file) {
    const Outcome outcome = run_program({"losetup", "--find", "--show", file.native()});
    name_ = Path(outcome.out.substr(0, outcome.out.find('\n'))).filename();
    settle();
  }
  ~ForeignLoop() { run_program({"losetup", "-d", "/dev/" + name_}); }
  ForeignLoop(const ForeignLoop&) = delete;
  ForeignLoop& operator=(const ForeignLoop&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

void expect_probed_as_usual(const GuestImages& images) {
  DeviceWatch watch;
  const ForeignLoop file_system(images.path("ext4"));
  EXPECT_FALSE(findings(file_system.name()).empty());
  EXPECT_FALSE(links_to({file_system.name()}).empty());
  EXPECT_TRUE(is_watched(file_system.name()));
  const ForeignLoop physical_volume(images.path("lvm"));
  EXPECT_FALSE(links_to({physical_volume.name()}).empty());
  bool was_read = false;
  for (const auto& access : watch.foreign({"loop"})) was_read = was_read || access.read;
  EXPECT_TRUE(was_read) << "the watch does not see what udev reads";
}

TEST_F(UdevTest, WithoutOurRulesGuestDataOnLoopDevicesIsProbed) {
  expect_probed_as_usual(images());
  DeviceWatch watch;
  auto& root = origin_of("ext4");
  start(root);
  settle();
  std::vector<std::string> found;
  for (const auto& device : devices())
    for (const auto& line : findings(device)) found.push_back(device + " " + line);
  EXPECT_NE(fmt::format("{}", fmt::join(found, "\n")).find("guest-ext4"), std::string::npos)
      << "if nobody probes it without our rules, the other tests show nothing";
  stop(root);
  settle();
}

TEST_F(UdevTest, OurRulesLeaveOtherDevicesToTheOthers) {
  install_rules();
  expect_probed_as_usual(images());
}

TEST_F(UdevTest, NobodyProbesADeviceOfOurs) {
  install_rules();
  DeviceWatch watch;
  std::vector<pools::Volume*> running;
  for (const auto& image : GuestImages::names()) {
    auto& root = origin_of(image);
    auto& app = snapshot_of(root, "app-of-" + image);
    start(app);
    start(root);
    running.insert(running.end(), {&app, &root});
  }
  for (const auto& image : GuestImages::names()) {
    auto p = properties("appvms/off-" + image + "/root");
    p.save_on_stop = true;
    p.size = GuestImages::size;
    p.revisions_to_keep = -1;
    auto& direct = add(p);
    direct.create({.image = images().path(image), .progress = {}}).get();
    start(direct);
    running.push_back(&direct);
  }
  settle();
  expect_untouched(devices());
  // As the guest would; the close of a writer is what udev watches for.
  for (auto* volume : running) put(volume->block_device()->node, mebibytes(4), 'g');
  settle();
  expect_untouched(devices());
  expect_not_probed(watch);
  for (auto* volume : running) stop(*volume);
  settle();
  expect_not_probed(watch);
}

TEST_F(UdevTest, NobodyProbesADeviceOfOursWhenEventsAreTriggeredByHand) {
  install_rules();
  auto& root = origin_of("ext4");
  auto& app = snapshot_of(root, "work");
  start(app);
  start(root);
  settle();
  DeviceWatch watch;
  for (const char* action : {"add", "change"}) {
    must_run(
        {"udevadm", "trigger", "--settle", "--subsystem-match=block", std::string("--action=") + action});
    expect_untouched(devices());
  }
  expect_not_probed(watch);
  stop(root);
  stop(app);
}

TEST_F(UdevTest, ADeviceWithOurUuidIsLeftAloneEvenWhenItsMakerDoesNotSaySo) {
  install_rules();
  const ForeignLoop loop(images().path("ext4"));
  DeviceWatch watch;
  must_run({"dmsetup", "create", "ours", "--uuid", "COWSHED-x", "--table",
            "0 16384 linear /dev/" + loop.name() + " 0"});
  settle();
  std::vector<std::string> ours;
  for (const auto& device : control().list()) ours.push_back(fmt::format("dm-{}", device.number.minor));
  expect_untouched(ours);
  for (const auto& access : watch.foreign({"dm-"})) ADD_FAILURE() << to_string(access);
  must_run({"dmsetup", "remove", "ours"});
}

}  // namespace
}  // namespace cowshed::test
