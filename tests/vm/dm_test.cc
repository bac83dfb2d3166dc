// SPDX-License-Identifier: Apache-2.0
// Every call of Control on the kernel's device-mapper, its answers compared with libdevmapper's.
#include <fcntl.h>
#include <fmt/core.h>

#include <thread>

#include "dm_fixture.h"

namespace cowshed::dm {
namespace {

using test::expect_error;
using test::open_direct;
using test::read_block;
using test::write_block;

TEST_F(DmTest, EveryStateOfADeviceReadsTheSameThroughLibdevmapper) {
  const loop::Loop a = small_disk();
  const loop::Loop b = small_disk();
  Device device = Device::create(control(), name, uuid);
  expect_agreement();
  device.load(linear_to(a));
  expect_agreement();
  device.resume();
  expect_agreement();
  device.load(
      {{{0}, {8}, Linear{number_of(a), {8}}}, {{8}, {16}, Zero{}}, {{24}, {8}, Linear{number_of(b), {0}}}},
      true);
  expect_agreement();
  control().suspend(uuid);
  expect_agreement();
  device.resume();
  expect_agreement();
  EXPECT_TRUE(info().read_only);
  EXPECT_EQ(info().target_count, 3u);
  EXPECT_EQ(control().deps(uuid).size(), 2u);
}

TEST_F(DmTest, TargetVersionsAreThoseOfLibdevmapper) {
  const auto theirs = test::libdm::target_versions();
  const auto ours = control().target_versions();
  EXPECT_EQ(ours.size(), theirs.size());
  for (const TargetVersion& target : ours) EXPECT_EQ(target.version, theirs.at(target.name)) << target.name;
}

TEST_F(DmTest, ListLargerThanTheFirstBufferIsWholeAndThatOfLibdevmapper) {
  std::vector<Device> devices;
  for (int i = 0; i < 120; ++i) {
    const std::string pad(110, 'x');
    devices.push_back(Device::create(control(), DmName(fmt::format("n{}-{}", i, pad)),
                                     DmUuid(fmt::format("COWSHED-{}-{}", i % 2, i) + pad)));
  }
  const auto theirs = test::libdm::names();
  const auto ours = control().list();
  ASSERT_EQ(ours.size(), devices.size());
  ASSERT_EQ(theirs.size(), devices.size());
  for (const ListEntry& entry : ours) {
    EXPECT_EQ(theirs.at(entry.name), entry.number);
    EXPECT_EQ(test::libdm::info(entry.name)->uuid, entry.uuid);
  }
  EXPECT_EQ(control().list("COWSHED-1-").size(), 60u);
  EXPECT_TRUE(control().list("COWSHED-2-").empty());
}

TEST_F(DmTest, ListTellsDevicesWithoutUuidAndEventNumbers) {
  control().create(name);
  const auto entries = control().list();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].uuid, "");
  EXPECT_EQ(entries[0].event_number, control().info(name)->event_number);
  control().remove(name);
  EXPECT_TRUE(control().list().empty());
}

TEST_F(DmTest, TableLargerThanTheFirstBufferIsWhole) {
  const loop::Loop loop = small_disk();
  Table table(1000);
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    table[i] = linear_to(loop, {1}, {table.size() - 1 - i}).front();
    table[i].start = {i};
  }
  const Device device = bring_up(table);
  const auto lines = control().table(uuid);
  ASSERT_EQ(lines.size(), table.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    ASSERT_EQ(parse_target(lines[i].type, lines[i].params), table[i].target);
}

TEST_F(DmTest, TakenNameOrUuidExists) {
  const Device device = Device::create(control(), name, uuid);
  expect_error(ErrorKind::exists, [&] { control().create(name, DmUuid("other")); });
  expect_error(ErrorKind::exists, [&] { control().create(DmName("other"), uuid); });
  const Device other = Device::create(control(), DmName("other"), DmUuid("other"));
  expect_error(ErrorKind::exists, [&] { control().rename(other.number(), name); });
}

TEST_F(DmTest, EveryCallOnAMissingDeviceIsNotFound) {
  const DeviceId missing = DmUuid("COWSHED-missing");
  EXPECT_FALSE(control().info(missing).has_value());
  for (const std::function<void()>& call : std::initializer_list<std::function<void()>>{
           [&] { control().load(missing, whole_device({8}, Zero{})); }, [&] { control().clear(missing); },
           [&] { control().resume(missing); }, [&] { control().suspend(missing); },
           [&] { control().remove(missing); }, [&] { control().remove(missing, true); },
           [&] { control().rename(missing, name); }, [&] { control().rename(DmName("missing"), name); },
           [&] { control().set_uuid(missing, uuid); }, [&] { control().table(missing); },
           [&] { control().status(missing); }, [&] { control().deps(missing); },
           [&] { control().message(missing, {0}, "x"); }, [&] { control().wait_event(missing, 0); }})
    expect_error(ErrorKind::not_found, call);
}

TEST_F(DmTest, OpenDeviceIsInUseAndGoesDeferredWithItsLastClose) {
  bring_up(whole_device({8}, Zero{})).keep();
  Fd fd = open_file(node_of(info().number), O_RDONLY);
  expect_error(ErrorKind::in_use, [&] { control().remove(uuid); });
  control().remove(uuid, true);
  EXPECT_TRUE(info().deferred_remove);
  EXPECT_EQ(info().open_count, 1);
  expect_agreement();
  fd.reset();
  EXPECT_TRUE(test::eventually([&] { return !control().info(uuid); }));
}

TEST_F(DmTest, RenameKeepsUuidNodeAndOpenDescriptors) {
  const loop::Loop loop = small_disk();
  const Device device = bring_up(linear_to(loop));
  const Fd fd = open_direct(node_of(device.number()), O_RDWR);
  write_block(fd, {0}, 'a');
  const DmName renamed("COWSHED-renamed");
  for (const DeviceId& id : {DeviceId(name), DeviceId(uuid), DeviceId(device.number())}) {
    control().rename(id, renamed);
    EXPECT_EQ(info().name, renamed);
    EXPECT_EQ(info().number, device.number());
    EXPECT_FALSE(control().info(name));
    expect_agreement(renamed);
    EXPECT_EQ(read_block(fd, {0}), 'a');
    control().rename(renamed, name);
  }
}

TEST_F(DmTest, UuidIsSetOnceAndOnlyOnce) {
  control().create(name);
  const Device other = Device::create(control(), DmName("other"), DmUuid("taken"));
  expect_error(ErrorKind::exists, [&] { control().set_uuid(name, DmUuid("taken")); });
  control().set_uuid(name, uuid);
  EXPECT_EQ(info().name, name);
  expect_agreement();
  expect_error(ErrorKind::kernel_refused, [&] { control().set_uuid(name, DmUuid("another")); });
  EXPECT_EQ(control().info(name)->uuid, uuid.str());
  control().remove(uuid);
}

TEST_F(DmTest, ReadOnlyTableRefusesWriters) {
  const loop::Loop loop = small_disk();
  const Device device = bring_up(linear_to(loop), true);
  EXPECT_TRUE(info().read_only);
  const auto error = test::error_of([&] {
    const Fd fd = open_direct(node_of(device.number()), O_RDWR);
    write_block(fd, {0}, 'x');
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::permission) << error->message();
}

TEST_F(DmTest, EmptyInactiveSlotIsClearedWithoutError) {
  const Device device = Device::create(control(), name, uuid);
  control().clear(uuid);
  control().load(uuid, whole_device({8}, Zero{}));
  control().clear(uuid);
  EXPECT_FALSE(info().has_inactive_table);
}

TEST_F(DmTest, DeviceIsRemovedWhenBringingItUpFailsLater) {
  const auto error = test::error_of([&] { bring_up(whole_device({8}, Linear{nowhere, {0}})); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(
      error->message().starts_with("load table into device COWSHED-test-uuid (0 8 linear 4095:0 0): "))
      << error->message();
  EXPECT_FALSE(control().info(uuid));
}

TEST_F(DmTest, MessageReturnsTheKernelsAnswer) {
  const Device device = bring_up(whole_device({8}, Zero{}));
  EXPECT_EQ(control().message(uuid, {0}, "@stats_create - /1"), "0");
  EXPECT_EQ(control().message(uuid, {0}, "@stats_delete 0"), std::nullopt);
}

TEST_F(DmTest, ControlIsUsedFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(bring_up(fmt::format("-{}-{}", t, i), whole_device({8}, Zero{})).number().major > 0);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(control().list().empty());
}

}  // namespace
}  // namespace cowshed::dm
