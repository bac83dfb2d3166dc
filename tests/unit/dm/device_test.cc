// SPDX-License-Identifier: Apache-2.0
#include "dm/device.h"

#include <gtest/gtest.h>

#include <set>

#include "fake_kernel.h"
#include "support/errors.h"

namespace cowshed::dm {
namespace {

using test::expect_error;
using test::FakeKernel;

using Requests = std::vector<unsigned long>;
const DmName name{"n"};
const DmUuid uuid{"u"};

class DeviceTest : public testing::Test {
 protected:
  FakeKernel kernel;
  Control control{test::port_to(kernel)};
  std::set<unsigned long> failing;

  DeviceTest() {
    kernel.answer = [this](const FakeKernel::Call& call, FakeKernel::Answer& a) {
      a.header.name[0] = 'n';
      a.header.dev = DeviceNumber{254, 0}.to_wire();
      if (failing.contains(call.request)) a.error_number = ENOMEM;
    };
  }
};

TEST_F(DeviceTest, IsRemovedUnlessKept) {
  { const Device device = Device::create(control, name, uuid); }
  EXPECT_EQ(kernel.requests(), (Requests{DM_DEV_CREATE, DM_DEV_REMOVE}));
  kernel.calls.clear();
  EXPECT_EQ(Device::create(control, name, uuid).keep(), (DeviceNumber{254, 0}));
  EXPECT_EQ(kernel.requests(), Requests{DM_DEV_CREATE});
}

TEST_F(DeviceTest, IsRemovedOnceWhenMoved) {
  {
    Device device = Device::create(control, name, uuid);
    const Device other = std::move(device);
  }
  EXPECT_EQ(kernel.requests(), (Requests{DM_DEV_CREATE, DM_DEV_REMOVE}));
}

TEST_F(DeviceTest, IsRemovedByUuidAndNotByANumberThatMayBeAnothersByNow) {
  { const Device device = Device::create(control, name, uuid); }
  EXPECT_STREQ(kernel.last().header.uuid, "u");
  EXPECT_EQ(kernel.last().header.dev, 0u);
}

TEST_F(DeviceTest, BringUpUndoesTheCreationWhenALaterStepFails) {
  for (const unsigned long step : {DM_TABLE_LOAD, DM_DEV_SUSPEND}) {
    failing = {step};
    kernel.calls.clear();
    expect_error(ErrorKind::kernel_refused,
                 [&] { Device::bring_up(control, name, uuid, whole_device({8}, Zero{})); });
    EXPECT_EQ(kernel.last().request, DM_DEV_REMOVE);
  }
}

TEST_F(DeviceTest, FirstErrorIsReportedWhenUndoingFailsToo) {
  failing = {DM_TABLE_LOAD, DM_DEV_REMOVE};
  testing::internal::CaptureStderr();
  const auto error =
      test::error_of([&] { Device::bring_up(control, name, uuid, whole_device({8}, Zero{})); });
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->message().starts_with("load table")) << error->message();
  EXPECT_NE(log.find("while undoing: remove device u"), std::string::npos) << log;
}

TEST_F(DeviceTest, SwapLoadsChecksAndResumesInOneCallEach) {
  swap_table(control, uuid, whole_device({8}, Zero{}), false, [](const std::vector<RawLine>&) {});
  EXPECT_EQ(kernel.requests(), (Requests{DM_TABLE_LOAD, DM_TABLE_STATUS, DM_DEV_SUSPEND}));
}

TEST_F(DeviceTest, SwapThatFailsToLoadClearsTheInactiveSlot) {
  failing = {DM_TABLE_LOAD};
  expect_error(ErrorKind::kernel_refused,
               [&] { swap_table(control, uuid, whole_device({8}, Zero{}), false, nullptr); });
  EXPECT_EQ(kernel.requests(), (Requests{DM_TABLE_LOAD, DM_TABLE_CLEAR}));
}

TEST_F(DeviceTest, SwapThatIsNotApprovedClearsTheInactiveSlotAndResumesNothing) {
  expect_error(ErrorKind::corrupt_image, [&] {
    swap_table(control, uuid, whole_device({8}, Zero{}), false,
               [](const std::vector<RawLine>&) { throw Error(ErrorKind::corrupt_image, "no"); });
  });
  EXPECT_EQ(kernel.requests(), (Requests{DM_TABLE_LOAD, DM_TABLE_STATUS, DM_TABLE_CLEAR}));
}

TEST_F(DeviceTest, SwapThatFailsToResumeClearsBeforeItResumesTheOldTable) {
  int resumes = 0;
  kernel.answer = [&](const FakeKernel::Call& call, FakeKernel::Answer& a) {
    a.header.name[0] = 'n';
    if (call.request == DM_DEV_SUSPEND && ++resumes == 1) a.error_number = ENOMEM;
  };
  expect_error(ErrorKind::kernel_refused,
               [&] { swap_table(control, uuid, whole_device({8}, Zero{}), false, nullptr); });
  EXPECT_EQ(kernel.requests(), (Requests{DM_TABLE_LOAD, DM_DEV_SUSPEND, DM_TABLE_CLEAR, DM_DEV_SUSPEND}));
}

TEST(NodeOf, IsTheNodeThatTheKernelMakes) { EXPECT_EQ(node_of({254, 12}), "/dev/dm-12"); }

}  // namespace
}  // namespace cowshed::dm
