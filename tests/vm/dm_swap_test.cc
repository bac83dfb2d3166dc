// SPDX-License-Identifier: Apache-2.0
// Tables swapped under I/O, and calls that fail on the way.
#include <fcntl.h>
#include <fmt/core.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "dm_fixture.h"

namespace cowshed::dm {
namespace {

using test::expect_error;
using test::open_direct;
using test::read_block;
using test::write_block;

/// Reads the first block over and over and remembers what it saw.
class Reader {
 public:
  explicit Reader(DeviceNumber number)
      : fd_(open_direct(node_of(number), O_RDONLY)), thread_([this] { run(); }) {}
  ~Reader() { stop(); }
  std::string stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return seen_;
  }
  void wait_for(char value) {
    EXPECT_TRUE(test::eventually([&] { return last_ == value; })) << "never read '" << value << "'";
  }

 private:
  void run() {
    while (!stop_) {
      const char value = read_block(fd_, {0});
      if (seen_.empty() || seen_.back() != value) seen_ += value;
      last_ = value;
    }
  }
  Fd fd_;
  std::atomic<bool> stop_ = false;
  std::atomic<char> last_ = 0;
  std::string seen_;
  std::thread thread_;
};

void fill(const loop::Loop& loop, char value) { write_block(open_direct(loop.path(), O_RDWR), {0}, value); }

TEST_F(DmTest, TableIsSwappedUnderAReader) {
  const loop::Loop a = small_disk();
  const loop::Loop b = small_disk();
  fill(a, 'a');
  fill(b, 'b');
  const Device device = bring_up(linear_to(a));
  Reader reader(device.number());
  reader.wait_for('a');
  std::size_t lines_seen = 0;
  swap_table(control(), uuid, linear_to(b), false,
             [&](const std::vector<RawLine>& inactive) { lines_seen = inactive.size(); });
  reader.wait_for('b');
  EXPECT_EQ(reader.stop(), "ab");
  EXPECT_EQ(lines_seen, 1u);
  EXPECT_FALSE(info().has_inactive_table);
}

TEST_F(DmTest, SwapOfATableThatDoesNotLoadLeavesTheOldOneRunning) {
  const loop::Loop a = small_disk();
  fill(a, 'a');
  const Device device = bring_up(linear_to(a));
  Reader reader(device.number());
  reader.wait_for('a');
  EXPECT_TRUE(test::error_of([&] {
    swap_table(control(), uuid, whole_device(disk_size, Linear{nowhere, {0}}), false, nullptr);
  }));
  EXPECT_FALSE(info().has_inactive_table);
  EXPECT_FALSE(info().suspended);
  EXPECT_EQ(reader.stop(), "a");
  EXPECT_EQ(control().deps(uuid), std::vector{number_of(a)});
}

TEST_F(DmTest, SwapThatTheKernelRefusesAtTheVeryEndLeavesTheOldTableRunning) {
  const loop::Loop a = small_disk();
  fill(a, 'a');
  const Device device = bring_up(linear_to(a));
  Reader reader(device.number());
  reader.wait_for('a');
  // Reaches beyond the disk: loads, and is refused when swapped in, which leaves the device suspended.
  expect_error(ErrorKind::kernel_refused,
               [&] { swap_table(control(), uuid, linear_to(a, disk_size, {8}), false, nullptr); });
  EXPECT_FALSE(info().suspended);
  EXPECT_FALSE(info().has_inactive_table);
  EXPECT_EQ(control().table(uuid).at(0).params, number_of(a).str() + " 0");
  EXPECT_EQ(read_block(open_direct(node_of(device.number()), O_RDONLY), {0}), 'a');
}

TEST_F(DmTest, SwapToAnInvalidSnapshotIsSeenInTheInactiveSlotAndRefused) {
  const loop::Loop origin = small_disk();
  const loop::Loop cow = small_disk();
  // A header of the kernel's with valid = 0: magic, valid, version, chunk size
  // (drivers/md/dm-snap-persistent.c).
  std::string header(4096, '\0');
  const std::uint32_t fields[] = {0x70416e53, 0, 1, 8};
  std::memcpy(header.data(), fields, sizeof fields);
  write_all(open_file(cow.path(), O_WRONLY), header, cow.path());
  sync_path(cow.path());
  const Device device = bring_up(linear_to(origin));
  const Snapshot snapshot{number_of(origin), number_of(cow), ExceptionStore::persistent, {8}, false, false};
  expect_error(ErrorKind::corrupt_image, [&] {
    swap_table(control(), uuid, whole_device(disk_size, snapshot), true,
               [](const std::vector<RawLine>& inactive) {
                 if (SnapshotStatus::parse(inactive.at(0).params).state != SnapshotStatus::State::active)
                   throw Error(ErrorKind::corrupt_image, "the cow is invalid");
               });
  });
  EXPECT_EQ(control().table(uuid).at(0).type, "linear");
  EXPECT_FALSE(info().has_inactive_table);
  EXPECT_FALSE(info().suspended);
}

/// Lets the n-th call fail without asking the kernel.
class FailingPort : public IoctlPort {
 public:
  FailingPort(int& calls_until_failure, std::unique_ptr<IoctlPort> real)
      : left_(calls_until_failure), real_(std::move(real)) {}
  int issue(unsigned long request, void* buffer) override {
    if (--left_ != 0) return real_->issue(request, buffer);
    errno = ENOMEM;
    return -1;
  }

 private:
  int& left_;
  std::unique_ptr<IoctlPort> real_;
};

TEST_F(DmTest, AnyFailingCallOfABringUpOrSwapLeavesNothingBehind) {
  int calls_left = 0;
  Control failing(std::make_unique<FailingPort>(calls_left, open_control_device()));
  int points = 0;
  for (bool failed = true; failed; ++points) {
    calls_left = points + 1;
    failed = test::error_of([&] {
               const Device device = Device::bring_up(failing, name, uuid, whole_device({8}, Zero{}));
               swap_table(failing, uuid, whole_device({8}, ErrorTarget{}), false, [](const auto&) {});
               calls_left = 0;
             }).has_value();
    EXPECT_TRUE(control().list().empty()) << "after failure of call " << points + 1;
  }
  fmt::print("failed at {} points\n", points - 1);
  EXPECT_EQ(points - 1, 6);
}

TEST_F(DmTest, AFailingCallOfASwapLeavesTheOldTableRunning) {
  int calls_left = 0;
  Control failing(std::make_unique<FailingPort>(calls_left, open_control_device()));
  const Device device = bring_up(whole_device({8}, Zero{}));
  for (const int n : {1, 2, 3}) {
    calls_left = n;
    EXPECT_TRUE(test::error_of(
        [&] { swap_table(failing, uuid, whole_device({8}, ErrorTarget{}), false, [](const auto&) {}); }));
    EXPECT_EQ(control().table(uuid).at(0).type, "zero");
    EXPECT_FALSE(info().has_inactive_table);
    EXPECT_FALSE(info().suspended);
  }
}

}  // namespace
}  // namespace cowshed::dm
