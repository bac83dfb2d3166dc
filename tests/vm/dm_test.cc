// SPDX-License-Identifier: Apache-2.0
// device-mapper's real answers, read through Control and through libdevmapper.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <thread>

#include "dm/device.h"
#include "support/errors.h"
#include "support/libdm.h"
#include "support/vm_fixture.h"

namespace cowshed::dm {

// Found by ADL, so that gtest compares and prints them.
static bool operator==(const RawLine& a, const RawLine& b) {
  return a.start == b.start && a.length == b.length && a.type == b.type && a.params == b.params;
}
static void PrintTo(const RawLine& line, std::ostream* out) {
  *out << line.start.count << ' ' << line.length.count << ' ' << line.type << ' ' << line.params;
}

namespace {

using test::expect_error;
using test::open_direct;
using test::read_block;
using test::write_block;

const DmName name{"COWSHED-test"};
const DmUuid uuid{"COWSHED-test-uuid"};

// A major number without a driver. (A loop device that is not there would be: opening its number makes it.)
constexpr DeviceNumber nowhere{4095, 0};

class DmTest : public test::VmTest {
 protected:
  static constexpr Sectors disk_size{2048};

  loop::Loop small_disk() { return disk(to_bytes(disk_size)); }
  static Table linear_to(const loop::Loop& loop, Sectors length = disk_size, Sectors offset = {0}) {
    return whole_device(length, Linear{number_of(loop), offset});
  }
  Device bring_up(const Table& table, bool read_only = false) {
    return Device::bring_up(control(), name, uuid, table, read_only);
  }
  Device bring_up(const std::string& suffix, const Table& table, bool read_only = false) {
    return Device::bring_up(control(), DmName(name.str() + suffix), DmUuid(uuid.str() + suffix), table,
                            read_only);
  }
  DeviceInfo info() { return control().info(uuid).value(); }

  /// Every way of asking about `name` says the same through us and through libdevmapper.
  void expect_agreement(const DmName& device = name) {
    const DeviceInfo ours = control().info(device).value();
    const DeviceInfo theirs = test::libdm::info(device.str()).value();
    EXPECT_EQ(ours.name, theirs.name);
    EXPECT_EQ(ours.uuid, theirs.uuid);
    EXPECT_EQ(ours.number, theirs.number);
    EXPECT_EQ(ours.open_count, theirs.open_count);
    EXPECT_EQ(ours.event_number, theirs.event_number);
    EXPECT_EQ(ours.target_count, theirs.target_count);
    EXPECT_EQ(ours.suspended, theirs.suspended);
    EXPECT_EQ(ours.read_only, theirs.read_only);
    EXPECT_EQ(ours.has_live_table, theirs.has_live_table);
    EXPECT_EQ(ours.has_inactive_table, theirs.has_inactive_table);
    EXPECT_EQ(ours.deferred_remove, theirs.deferred_remove);
    for (const Slot slot : {Slot::live, Slot::inactive}) {
      EXPECT_EQ(control().table(device, slot), test::libdm::table(device.str(), slot));
      EXPECT_EQ(control().status(device, slot), test::libdm::status(device.str(), slot));
      EXPECT_EQ(control().deps(device, slot), test::libdm::deps(device.str(), slot));
    }
  }

  /// Loads `target`, brings it up and expects the kernel to print what we sent.
  void expect_round_trip(const std::string& suffix, Sectors length, const Target& target) {
    const Device device = bring_up(suffix, whole_device(length, target));
    const auto lines = control().table(device.number());
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].length, length);
    EXPECT_EQ(parse_target(lines[0].type, lines[0].params), target) << lines[0].params;
    expect_agreement(DmName(name.str() + suffix));
  }
};

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
  const Crypt crypt{"aes-xts-plain64", std::string(128, 'a'), 5, number_of(loop), {8}, {"allow_discards"}};
  expect_round_trip("-c", {1024}, crypt);
  const Device device = bring_up(whole_device({1024}, crypt));
  write_block(open_direct(node_of(device.number()), O_RDWR), {0}, 'p');
  EXPECT_EQ(read_block(open_direct(node_of(device.number()), O_RDONLY), {0}), 'p');
  std::string raw(512, '\0');
  const Fd fd = open_file(loop.path(), O_RDONLY);
  ASSERT_EQ(::pread(fd.get(), raw.data(), raw.size(), 8 * 512), 512);
  EXPECT_EQ(raw.find("pppp"), std::string::npos);
}

TEST_F(DmTest, KeyIsInNoMessageOfTheKernelsRefusal) {
  const loop::Loop loop = small_disk();
  const Crypt crypt{"no-such-cipher", std::string(128, 'a'), 0, number_of(loop), {0}, {}};
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

TEST_F(DmTest, MessageReturnsTheKernelsAnswer) {
  const Device device = bring_up(whole_device({8}, Zero{}));
  EXPECT_EQ(control().message(uuid, {0}, "@stats_create - /1"), "0");
  EXPECT_EQ(control().message(uuid, {0}, "@stats_delete 0"), std::nullopt);
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
