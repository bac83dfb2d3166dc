// SPDX-License-Identifier: Apache-2.0
// Targets loaded into the kernel: it prints them as we do, and tells their state and events.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>

#include <future>

#include "dm_fixture.h"

namespace cowshed::dm {
namespace {

using test::open_direct;
using test::read_block;
using test::write_block;

TEST_F(DmTest, SimpleTargetsPrintInTheKernelWhatWeSent) {
  const loop::Loop loop = small_disk();
  expect_round_trip("-l", {1024}, Linear{number_of(loop), {512}});
  expect_round_trip("-z", disk_size, Zero{});
  expect_round_trip("-e", disk_size, ErrorTarget{});
  expect_round_trip("-o", disk_size, SnapshotOrigin{number_of(loop)});
}

TEST_F(DmTest, SnapshotTargetsPrintInTheKernelWhatWeSent) {
  const loop::Loop origin = small_disk();
  int count = 0;
  for (const auto store :
       {ExceptionStore::transient, ExceptionStore::persistent, ExceptionStore::persistent_overflow})
    for (const bool zeroes : {false, true})
      for (const bool passdown : {false, true}) {
        if (passdown && !zeroes) continue;
        const loop::Loop cow = small_disk();
        expect_round_trip(fmt::format("-{}", ++count), disk_size,
                          Snapshot{number_of(origin), number_of(cow), store, {16}, zeroes, passdown});
      }
  EXPECT_EQ(count, 9);
}

TEST_F(DmTest, SnapshotMergePrintsInTheKernelWhatWeSent) {
  const loop::Loop origin = small_disk();
  const loop::Loop cow = small_disk();
  expect_round_trip("-m", disk_size,
                    SnapshotMerge{number_of(origin), number_of(cow), ExceptionStore::persistent, {16}});
}

TEST_F(DmTest, CryptPrintsInTheKernelWhatWeSentAndEncrypts) {
  const loop::Loop loop = small_disk();
  const Crypt crypt{"aes-xts-plain64", SecretText(128, 'a'), 5, number_of(loop), {8}, {"allow_discards"}};
  expect_round_trip("-c", {1024}, crypt);
  const Device device = bring_up(whole_device({1024}, crypt));
  write_block(open_direct(node_of(device.number()), O_RDWR), {0}, 'p');
  EXPECT_EQ(read_block(open_direct(node_of(device.number()), O_RDONLY), {0}), 'p');
  std::string raw(512, '\0');
  const Fd fd = open_file(loop.path(), O_RDONLY);
  ASSERT_EQ(::pread(fd.get(), raw.data(), raw.size(), 8L * 512), 512);
  EXPECT_EQ(raw.find("pppp"), std::string::npos);
}

TEST_F(DmTest, KeyIsInNoMessageOfTheKernelsRefusal) {
  const loop::Loop loop = small_disk();
  const Crypt crypt{"no-such-cipher", SecretText(128, 'a'), 0, number_of(loop), {0}, {}};
  const auto error = test::error_of([&] { bring_up(whole_device(disk_size, crypt)); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("aaaa"), std::string::npos) << error->message();
}

TEST_F(DmTest, ThinPoolAndThinPrintInTheKernelWhatWeSent) {
  const loop::Loop metadata = disk(mebibytes(4));
  const loop::Loop data = disk(mebibytes(16));
  const loop::Loop external = small_disk();
  const Sectors data_size = to_sectors(mebibytes(16));
  const ThinPool pool_target{number_of(metadata),
                             number_of(data),
                             {128},
                             7,
                             {"skip_block_zeroing", "no_discard_passdown", "error_if_no_space"}};
  expect_round_trip("-pool", data_size, pool_target);
  const Device pool = bring_up("-pool", whole_device(data_size, pool_target));
  EXPECT_FALSE(control().message(pool.number(), {0}, "create_thin 3").has_value());
  expect_round_trip("-thin", disk_size, Thin{pool.number(), 3, {}});
  expect_round_trip("-external", disk_size, Thin{pool.number(), 3, number_of(external)});
  EXPECT_TRUE(test::error_of([&] { control().message(pool.number(), {0}, "create_thin 3"); }));
}

/// An origin, and a snapshot of it with room for a few chunks.
struct TinySnapshot {
  loop::Loop origin;
  loop::Loop cow;
};

TEST_F(DmTest, OverflowOfASnapshotWakesWaitersAndPollers) {
  const TinySnapshot parts{small_disk(), disk(kibibytes(16))};
  const Device device = bring_up(whole_device(
      disk_size,
      Snapshot{number_of(parts.origin), number_of(parts.cow), ExceptionStore::transient, {8}, false, false}));
  control().arm_poll();
  pollfd ready{.fd = control().poll_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
  const std::uint32_t before = info().event_number;
  auto waiter = std::async(std::launch::async, [&] { return control().wait_event(uuid, before); });
  EXPECT_EQ(waiter.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  EXPECT_TRUE(test::error_of([&] {
    const Fd fd = open_direct(node_of(device.number()), O_RDWR);
    for (std::uint64_t i = 0; i < 16; ++i) write_block(fd, kibibytes(4 * i), 'x');
  }));
  EXPECT_EQ(::poll(&ready, 1, 5000), 1);
  EXPECT_NE(waiter.get().event_number, before);
  EXPECT_EQ(SnapshotStatus::parse(control().status(uuid).at(0).params).state, SnapshotStatus::State::invalid);
  expect_agreement();
}

TEST_F(DmTest, StatusOfASnapshotCountsWhatWasWritten) {
  const TinySnapshot parts{small_disk(), small_disk()};
  const Device device = bring_up(whole_device(
      disk_size,
      Snapshot{
          number_of(parts.origin), number_of(parts.cow), ExceptionStore::persistent, {8}, false, false}));
  const auto status = [&] { return SnapshotStatus::parse(control().status(uuid).at(0).params); };
  const SnapshotStatus fresh = status();
  EXPECT_EQ(fresh.state, SnapshotStatus::State::active);
  EXPECT_EQ(fresh.allocated, fresh.metadata);
  EXPECT_EQ(fresh.total, disk_size);
  write_block(open_direct(node_of(device.number()), O_RDWR), kibibytes(8), 'x');
  EXPECT_EQ(status().allocated, fresh.allocated + Sectors{8});
  expect_agreement();
}

}  // namespace
}  // namespace cowshed::dm
