// SPDX-License-Identifier: Apache-2.0
#include "dm/control.h"

#include <gtest/gtest.h>

#include "dm/command.h"
#include "fake_kernel.h"
#include "support/errors.h"

namespace cowshed::dm {
namespace {

using test::error_of;
using test::expect_error;
using test::FakeKernel;
using test::name_entry;
using test::target_entry;
using test::wire;

const DmName name{"vm-root"};
const DmUuid uuid{"COWSHED-1"};
constexpr DeviceNumber number{254, 300};

class ControlTest : public testing::Test {
 protected:
  FakeKernel kernel;
  Control control{test::port_to(kernel)};

  void fail_with(int error_number) {
    kernel.answer = [=](const FakeKernel::Call&, FakeKernel::Answer& a) { a.error_number = error_number; };
  }
  void answer_with(const std::string& payload) {
    kernel.answer = [payload](const FakeKernel::Call&, FakeKernel::Answer& a) { a.payload = payload; };
  }
  /// As find_device() does: the answer holds the device's name.
  void answer_as_device() {
    kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
      std::ranges::copy(name.str(), a.header.name);
      a.header.dev = number.to_wire();
    };
  }
};

TEST(Control, RefusesAnotherMajorVersion) {
  FakeKernel kernel;
  kernel.version[0] = 5;
  expect_error(ErrorKind::not_supported, [&] { Control control(test::port_to(kernel)); });
}

TEST(Control, RefusesAnotherMajorVersionThatTheKernelRefusesItself) {
  class Refusing : public IoctlPort {
   public:
    int issue(unsigned long, void* buffer) override {
      static_cast<dm_ioctl*>(buffer)->version[0] = 5;
      errno = EINVAL;
      return -1;
    }
  };
  expect_error(ErrorKind::not_supported, [] { Control control(std::make_unique<Refusing>()); });
}

TEST(Control, CommandThatTheKernelIsTooOldForIsNotSupportedAndNotIssued) {
  FakeKernel kernel;
  kernel.version[1] = 26;
  Control control(test::port_to(kernel));
  expect_error(ErrorKind::not_supported, [&] { control.arm_poll(); });
  expect_error(ErrorKind::not_supported, [&] { control.remove(uuid, true); });
  EXPECT_TRUE(kernel.requests().empty());
}

TEST_F(ControlTest, SpeaksTheOldestMinorVersionSoThatOldKernelsListen) {
  EXPECT_EQ(kernel.last().header.version[0], 4u);
  EXPECT_EQ(kernel.last().header.version[1], 0u);
  EXPECT_EQ(control.version(), (Version{4, 47, 0}));
}

TEST_F(ControlTest, CreateGivesNameAndUuid) {
  control.create(name, uuid);
  EXPECT_EQ(kernel.last().request, DM_DEV_CREATE);
  EXPECT_STREQ(kernel.last().header.name, "vm-root");
  EXPECT_STREQ(kernel.last().header.uuid, "COWSHED-1");
}

TEST_F(ControlTest, AddressesADeviceByOneIdOnly) {
  answer_as_device();
  for (const DeviceId& id : {DeviceId(name), DeviceId(uuid), DeviceId(number)}) {
    control.info(id);
    const dm_ioctl& header = kernel.last().header;
    const int given = (*header.name != 0) + (*header.uuid != 0) + (header.dev != 0);
    EXPECT_EQ(given, 1);
  }
  EXPECT_EQ(kernel.last().header.dev, 0x10fe2cull);
}

TEST_F(ControlTest, EveryEventTellsUdevNotToProbeAndToNotifyNobody) {
  answer_as_device();
  control.create(name, uuid);
  control.resume(uuid);
  control.rename(name, DmName("other"));
  control.set_uuid(name, uuid);
  control.remove(uuid);
  ASSERT_EQ(kernel.requests().size(), 5u);
  for (std::size_t i = 1; i < kernel.calls.size(); ++i)
    EXPECT_EQ(kernel.calls[i].header.event_nr, 0x004f0000u) << i;
}

TEST_F(ControlTest, SuspendDoesNotFreezeFileSystemsUnlessAsked) {
  answer_as_device();
  control.suspend(uuid);
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG});
  control.suspend(uuid, {.flush = false, .lock_fs = true});
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_SUSPEND_FLAG | DM_NOFLUSH_FLAG});
  control.resume(uuid);
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_SKIP_LOCKFS_FLAG});
}

TEST_F(ControlTest, LoadSendsEveryLineAlignedAndTerminated) {
  const Table table = {{{0}, {8}, Linear{{7, 1}, {2}}}, {{8}, {16}, Zero{}}};
  control.load(uuid, table, true);
  const FakeKernel::Call& call = kernel.last();
  EXPECT_EQ(call.header.target_count, 2u);
  EXPECT_EQ(call.header.flags, std::uint32_t{DM_READONLY_FLAG});
  dm_target_spec spec{};
  std::memcpy(&spec, call.data.data(), sizeof spec);
  EXPECT_STREQ(spec.target_type, "linear");
  EXPECT_STREQ(call.data.data() + sizeof spec, "7:1 2");
  EXPECT_EQ(spec.next % 8, 0u);
  std::memcpy(&spec, call.data.data() + spec.next, sizeof spec);
  EXPECT_STREQ(spec.target_type, "zero");
  EXPECT_EQ(spec.sector_start, 8u);
  EXPECT_EQ(spec.length, 16u);
}

TEST_F(ControlTest, RenameFindsTheNameFirstBecauseTheKernelRenamesByNameOnly) {
  answer_as_device();
  control.rename(number, DmName("other"));
  EXPECT_EQ(kernel.requests(), (std::vector<unsigned long>{DM_DEV_STATUS, DM_DEV_RENAME}));
  EXPECT_STREQ(kernel.last().header.name, "vm-root");
  EXPECT_EQ(kernel.last().header.dev, 0u);
  EXPECT_STREQ(kernel.last().data.c_str(), "other");
}

TEST_F(ControlTest, RenamingAndSettingTheUuidDifferByTheFlag) {
  answer_as_device();
  control.set_uuid(name, uuid);
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_UUID_FLAG});
  control.rename(name, DmName("other"));
  EXPECT_EQ(kernel.last().header.flags, 0u);
}

TEST_F(ControlTest, ErrnosBecomeTheKindsThatCallersSwitchOn) {
  const auto kind_of = [&](int error_number, auto&& call) {
    fail_with(error_number);
    const auto error = error_of(call);
    EXPECT_TRUE(error && error->error_number() == error_number);
    return error ? error->kind() : ErrorKind::interrupted;
  };
  EXPECT_EQ(kind_of(ENXIO, [&] { control.remove(uuid); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of(EBUSY, [&] { control.remove(uuid); }), ErrorKind::in_use);
  EXPECT_EQ(kind_of(EBUSY, [&] { control.create(name, uuid); }), ErrorKind::exists);
  EXPECT_EQ(kind_of(EBUSY, [&] { control.rename(name, name); }), ErrorKind::exists);
  EXPECT_EQ(kind_of(EBUSY, [&] { control.set_uuid(name, uuid); }), ErrorKind::exists);
  EXPECT_EQ(kind_of(EBUSY, [&] { control.load(uuid, {}); }), ErrorKind::in_use);
  EXPECT_EQ(kind_of(ENOTTY, [&] { control.arm_poll(); }), ErrorKind::not_supported);
  EXPECT_EQ(kind_of(EOPNOTSUPP, [&] { control.arm_poll(); }), ErrorKind::not_supported);
  EXPECT_EQ(kind_of(EACCES, [&] { control.list(); }), ErrorKind::permission);
  EXPECT_EQ(kind_of(EINTR, [&] { control.suspend(uuid); }), ErrorKind::interrupted);
  EXPECT_EQ(kind_of(ENOMEM, [&] { control.load(uuid, {}); }), ErrorKind::kernel_refused);
}

TEST_F(ControlTest, MessageNamesCommandDeviceAndErrno) {
  fail_with(EBUSY);
  EXPECT_EQ(error_of([&] { control.create(name, uuid); })->message(),
            "create device 'vm-root' (COWSHED-1): Device or resource busy (EBUSY)");
  EXPECT_EQ(error_of([&] { control.remove(number); })->message(),
            "remove device 254:300: Device or resource busy (EBUSY)");
}

TEST_F(ControlTest, MessageOfALoadHoldsTheTableButNotTheKey) {
  fail_with(EINVAL);
  const Crypt crypt{"aes-xts-plain64", "c0ffee", 0, {7, 1}, {0}, {}};
  EXPECT_EQ(error_of([&] { control.load(uuid, whole_device({8}, crypt)); })->message(),
            "load table into device COWSHED-1 (0 8 crypt aes-xts-plain64 (key) 0 7:1 0): "
            "Invalid argument (EINVAL; see the kernel log)");
}

TEST_F(ControlTest, InfoOfADeviceThatIsNotThereIsNothing) {
  fail_with(ENXIO);
  EXPECT_FALSE(control.info(uuid).has_value());
  fail_with(EACCES);
  expect_error(ErrorKind::permission, [&] { control.info(uuid); });
}

TEST_F(ControlTest, InfoHoldsEveryFieldOfTheHeader) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    std::ranges::copy(name.str(), a.header.name);
    a.header.dev = number.to_wire();
    a.header.open_count = 2;
    a.header.event_nr = 5;
    a.header.target_count = 1;
    a.header.flags = DM_SUSPEND_FLAG | DM_READONLY_FLAG | DM_ACTIVE_PRESENT_FLAG | DM_INACTIVE_PRESENT_FLAG |
                     DM_DEFERRED_REMOVE;
  };
  const auto info = control.info(uuid);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name, name);
  EXPECT_EQ(info->uuid, "COWSHED-1");
  EXPECT_EQ(info->number, number);
  EXPECT_EQ(info->open_count, 2);
  EXPECT_EQ(info->event_number, 5u);
  EXPECT_EQ(info->target_count, 1u);
  EXPECT_TRUE(info->suspended && info->read_only && info->has_live_table && info->has_inactive_table &&
              info->deferred_remove);
}

TEST_F(ControlTest, ALookAsksOnceAndNeverForAFlush) {
  answer_as_device();
  const auto look = control.look(uuid);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->info.number, number);
  EXPECT_TRUE(look->status.empty());
  EXPECT_EQ(kernel.requests(), std::vector<unsigned long>{DM_TABLE_STATUS});
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_NOFLUSH_FLAG});
  fail_with(ENXIO);
  EXPECT_FALSE(control.look(uuid));
  fail_with(EACCES);
  expect_error(ErrorKind::permission, [&] { control.look(uuid); });
}

TEST_F(ControlTest, BufferGrowsUntilTheAnswerFits) {
  const std::string params(100000, 'x');
  answer_with(target_entry(0, 0, 8, "crypt", params));
  kernel.answer = [inner = kernel.answer](const FakeKernel::Call& call, FakeKernel::Answer& a) {
    inner(call, a);
    a.header.target_count = 1;
  };
  EXPECT_EQ(control.table(uuid).at(0).params, params);
  ASSERT_EQ(kernel.requests().size(), 6u);
  EXPECT_EQ(kernel.calls[1].header.data_size, 4u << 10);
  EXPECT_EQ(kernel.calls[6].header.data_size, 128u << 10);
}

TEST_F(ControlTest, BufferDoesNotGrowForEver) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    a.header.flags |= DM_BUFFER_FULL_FLAG;
  };
  expect_error(ErrorKind::kernel_refused, [&] { control.list(); });
  EXPECT_EQ(kernel.last().header.data_size, 64u << 20);
}

TEST_F(ControlTest, MessageIsNeverSentTwice) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    a.header.flags |= DM_BUFFER_FULL_FLAG | DM_DATA_OUT_FLAG;
  };
  expect_error(ErrorKind::kernel_refused, [&] { control.message(uuid, {0}, "@stats_print 0"); });
  EXPECT_EQ(kernel.requests().size(), 1u);
}

TEST_F(ControlTest, CommandsThatChangeStateAreNeverReissued) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    std::ranges::copy(name.str(), a.header.name);
    a.header.flags |= DM_BUFFER_FULL_FLAG;
  };
  control.create(name, uuid);
  control.load(uuid, whole_device({8}, Zero{}));
  control.resume(uuid);
  control.wait_event(uuid, 0);
  control.remove(uuid);
  EXPECT_EQ(kernel.requests().size(), 5u);
}

TEST_F(ControlTest, OnlyReadingCommandsAreMarkedAsSafeToReissue) {
  for (const Command& command : commands) {
    const bool reads = command.op == Op::list || command.op == Op::target_versions ||
                       command.op == Op::deps || command.op == Op::status;
    EXPECT_EQ(command.answer == Answer::reissue, reads) << command.name;
  }
}

TEST_F(ControlTest, MessageGivesTheTargetsAnswerWhereThereIsOne) {
  EXPECT_FALSE(control.message(uuid, {3}, "create_thin 0").has_value());
  EXPECT_EQ(kernel.last().data.substr(0, 22), wire(std::uint64_t{3}) + "create_thin 0" + '\0');
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    a.header.flags |= DM_DATA_OUT_FLAG;
    a.payload = std::string("17\0", 3);
  };
  EXPECT_EQ(control.message(uuid, {0}, "@stats_create"), "17");
}

TEST_F(ControlTest, ListFiltersByPrefixEvenIfTheKernelDoesNot) {
  answer_with(name_entry(0xfe00, "a", "COWSHED-1", 0, false) + name_entry(0xfe01, "b", "LVM-1", 0, false) +
              name_entry(0xfe02, "c", "", 0, true));
  const auto ours = control.list("COWSHED-");
  ASSERT_EQ(ours.size(), 1u);
  EXPECT_EQ(ours[0].name, "a");
  EXPECT_STREQ(kernel.last().header.uuid, "COWSHED-");
  EXPECT_EQ(control.list().size(), 3u);
  EXPECT_TRUE(control.list(std::string(129, 'x')).empty());
}

TEST_F(ControlTest, WhoListsOnceAsksTheKernelOnceAndGetsTheSame) {
  answer_with(name_entry(0xfe00, "c", "COWSHED-b-1", 0, false) + name_entry(0xfe01, "b", "LVM-1", 0, false) +
              name_entry(0xfe02, "a", "COWSHED-a-1", 0, false) +
              name_entry(0xfe03, "d", "COWSHED-b", 0, false) + name_entry(0xfe04, "e", "", 0, true));
  control.list_once();
  const auto names = [&](std::string_view prefix) {
    std::string result;
    for (const auto& entry : control.list(prefix)) result += entry.name;
    return result;
  };
  EXPECT_EQ(names("COWSHED-b"), "dc");
  EXPECT_EQ(names("COWSHED-"), "adc");
  EXPECT_EQ(names("COWSHED-c"), "");
  EXPECT_EQ(names(""), "eadcb");
  EXPECT_EQ(kernel.requests().size(), 1u);
}

TEST(Control, ListAsksDeviceByDeviceWhereTheKernelListsNoUuids) {
  FakeKernel kernel;
  kernel.version[1] = 44;
  kernel.answer = [](const FakeKernel::Call& call, FakeKernel::Answer& a) {
    if (call.request == DM_LIST_DEVICES) {
      a.payload =
          name_entry(0xfe00, "a", "", 0, false, false) + name_entry(0xfe01, "gone", "", 0, true, false);
    } else if (call.header.dev == 0xfe00) {
      std::strcpy(a.header.uuid, "COWSHED-1");
      a.header.event_nr = 4;
    } else {
      a.error_number = ENXIO;
    }
  };
  const auto entries = Control(test::port_to(kernel)).list();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].uuid, "COWSHED-1");
  EXPECT_EQ(entries[0].event_number, 4u);
}

TEST_F(ControlTest, RefusesHeadersThatLeadOutsideTheBuffer) {
  struct Sizes {
    std::uint32_t data_size, data_start;
  };
  for (const Sizes sizes : {Sizes{0, 312}, Sizes{304, 0}, Sizes{1u << 20, 312}, Sizes{0xffffffff, 312},
                            Sizes{16 << 10, 0}, Sizes{16 << 10, 304}}) {
    kernel.answer = [=](const FakeKernel::Call&, FakeKernel::Answer& a) {
      a.raw_sizes = true;
      a.header.data_size = sizes.data_size;
      a.header.data_start = sizes.data_start;
    };
    expect_error(ErrorKind::kernel_refused, [&] { control.list(); });
  }
}

TEST_F(ControlTest, RefusesNamesAndUuidsWithoutAnEnd) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    std::ranges::fill(a.header.name, 'x');
  };
  expect_error(ErrorKind::kernel_refused, [&] { control.info(uuid); });
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) {
    std::ranges::fill(a.header.uuid, 'x');
  };
  expect_error(ErrorKind::kernel_refused, [&] { control.info(name); });
}

TEST_F(ControlTest, MalformedAnswersNameTheCommandAndTheDevice) {
  kernel.answer = [](const FakeKernel::Call&, FakeKernel::Answer& a) { a.header.target_count = 1; };
  const auto error = error_of([&] { control.table(uuid); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kernel_refused);
  EXPECT_TRUE(error->message().starts_with("get status of device COWSHED-1: malformed answer"))
      << error->message();
}

TEST_F(ControlTest, SlotOfADeviceWithoutATableIsEmpty) {
  EXPECT_TRUE(control.table(uuid, Slot::inactive).empty());
  EXPECT_EQ(kernel.last().header.flags, std::uint32_t{DM_STATUS_TABLE_FLAG | DM_QUERY_INACTIVE_TABLE_FLAG});
  EXPECT_TRUE(control.deps(uuid).empty());
}

}  // namespace
}  // namespace cowshed::dm
