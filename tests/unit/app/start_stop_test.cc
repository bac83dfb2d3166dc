// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "app/volume_admin.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

class StartStop : public AppTest {
 protected:
  Path link(const std::string& vm, const std::string& volume) {
    return std::filesystem::read_symlink(locations_.device(VmName(vm), volume));
  }
  bool has_links(const std::string& vm) { return std::filesystem::exists(locations_.devices(VmName(vm))); }
};

TEST_F(StartStop, PublishesAStableLinkForEachDevice) {
  create_three();
  const auto devices = vm("work").start();
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].name, "root");
  EXPECT_EQ(devices[0].path, locations_.run / "dev/work/root");
  EXPECT_EQ(link("work", "root"), "/dev/fake/appvms/work/root");
  EXPECT_EQ(vm("work").state(), app::VmState::running);
}

TEST_F(StartStop, ALinkThatIsLeftOverIsReplaced) {
  create_three();
  std::filesystem::create_directories(locations_.devices(VmName("work")));
  std::filesystem::create_symlink("/dev/null", locations_.device(VmName("work"), "root"));
  vm("work").start();
  EXPECT_EQ(link("work", "root"), "/dev/fake/appvms/work/root");
}

TEST_F(StartStop, StopIsIdempotentAndTakesTheLinks) {
  create_three();
  vm("work").start();
  vm("work").stop();
  EXPECT_TRUE(world_.running.empty());
  EXPECT_FALSE(has_links("work"));
  vm("work").stop();
}

TEST_F(StartStop, ARunningVmIsNotStartedAgain) {
  create_three();
  vm("work").start();
  expect_error(ErrorKind::running, [&] { vm("work").start(); });
  EXPECT_EQ(vm("work").state(), app::VmState::running);
  EXPECT_TRUE(has_links("work"));
}

TEST_F(StartStop, OneVolumeThatFailsTakesTheOthersDownAndIsNamed) {
  create_three();
  world_.failures.emplace("start appvms/work/private", Error(ErrorKind::no_space, "disk full", ENOSPC));
  const auto error = error_of([&] { vm("work").start(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "start vm 'work': volume 'private': disk full");
  EXPECT_EQ(error->kind(), ErrorKind::no_space);
  EXPECT_TRUE(world_.running.empty());
  EXPECT_TRUE(was_called("abandon appvms/work/root"));
  EXPECT_FALSE(was_called("abandon appvms/work/private"));
  EXPECT_FALSE(has_links("work"));
  world_.failures.clear();
  vm("work").start();
}

TEST_F(StartStop, AVolumeThatRefusesIsAskedBeforeAnyOfItsVmIsStarted) {
  create_three();
  world_.refusals.emplace("appvms/work/volatile", Error(ErrorKind::not_found, "image is missing"));
  const std::vector<app::Vm*> batch = {&vm("work"), &vm("t")};
  const auto outcomes = app().start(batch);
  ASSERT_TRUE(outcomes[0].error);
  EXPECT_EQ(outcomes[0].error->message(), "start vm 'work': volume 'volatile': image is missing");
  EXPECT_FALSE(outcomes[1].error);
  for (const auto& call : world_.calls) EXPECT_FALSE(call.starts_with("start appvms/work/")) << call;
}

TEST_F(StartStop, OfAVmOfWhichOneVolumeRunsNoOtherIsStarted) {
  create_three();
  volume("work", "volatile").start().get();
  const auto error = error_of([&] { vm("work").start(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "start vm 'work': vm 'work' is already running");
  EXPECT_FALSE(was_called("start appvms/work/root"));
}

TEST_F(StartStop, AStartThatCannotBeUndoneIsLeftToRecovery) {
  create_three();
  world_.failures.emplace("start appvms/work/private", Error(ErrorKind::no_space, "disk full"));
  world_.failures.emplace("abandon appvms/work/root", Error(ErrorKind::kernel_refused, "stuck"));
  expect_error(ErrorKind::no_space, [&] { vm("work").start(); });
  world_.failures.clear();
  reopen();
  EXPECT_TRUE(world_.running.empty());
}

TEST_F(StartStop, LinksThatCannotBeMadeUndoTheStart) {
  create_three();
  write(locations_.run, "in the way");
  EXPECT_TRUE(error_of([&] { vm("work").start(); }));
  EXPECT_TRUE(world_.running.empty());
}

TEST_F(StartStop, AnInterruptedStartIsUndone) {
  create_three();
  world_.hook = [](const std::string& call) {
    if (call.starts_with("start")) app::request_interruption();
  };
  expect_error(ErrorKind::interrupted, [&] { vm("work").start(); });
  EXPECT_TRUE(world_.running.empty());
}

TEST_F(StartStop, AGuestThatHoldsOneVolumeKeepsThemAll) {
  create_three();
  vm("work").start();
  world_.held.insert("varlib/appvms/work/private");
  const auto error = error_of([&] { vm("work").stop(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "stop vm 'work': volume 'private': the guest holds the device");
  EXPECT_EQ(vm("work").state(), app::VmState::running);
  EXPECT_EQ(names_in(locations_.devices(VmName("work"))).size(), 3u);
}

TEST_F(StartStop, AFailedStopKeepsTheLinksOfWhatRuns) {
  create_three();
  vm("work").start();
  world_.failures.emplace("stop appvms/work/private", Error(ErrorKind::in_use, "busy"));
  expect_error(ErrorKind::in_use, [&] { vm("work").stop(); });
  EXPECT_EQ(names_in(locations_.devices(VmName("work"))), std::set<std::string>{"private"});
}

TEST_F(StartStop, TemplateAndAppVmStartInOneBatchInAnyOrder) {
  create_three();
  for (const bool is_template_first : {true, false}) {
    std::vector<app::Vm*> batch = {&vm("t"), &vm("work")};
    if (!is_template_first) std::reverse(batch.begin(), batch.end());
    for (const auto& outcome : app().start(batch)) EXPECT_FALSE(outcome.error) << outcome.error->message();
    EXPECT_EQ(world_.running.size(), 6u);
    for (const auto& outcome : app().stop(batch)) EXPECT_FALSE(outcome.error);
  }
}

TEST_F(StartStop, OneVmThatFailsDoesNotHoldTheOthers) {
  create_three();
  world_.failures.emplace("start appvms/work/private", Error(ErrorKind::no_space, "disk full"));
  const std::vector<app::Vm*> batch = {&vm("work"), &vm("t")};
  const auto outcomes = app().start(batch);
  EXPECT_TRUE(outcomes[0].error);
  EXPECT_FALSE(outcomes[1].error);
  EXPECT_EQ(outcomes[1].devices.size(), 3u);
}

TEST_F(StartStop, APoolGetsAllVolumesOfABatchAtOnce) {
  create_three();
  const std::vector<app::Vm*> batch = {&vm("work"), &vm("t")};
  app().start(batch);
  EXPECT_EQ(world_.prepared, std::vector<std::size_t>{6});
}

TEST_F(StartStop, ASourceThatRunsWithSnapshotsOffIsInTheWay) {
  create_three();
  app::set_volume_property(vm("work"), volume("work", "private"), "revisions_to_keep", "-1");
  vm("work").start();
  const auto error = error_of([&] { vm("d").start(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
  EXPECT_NE(error->message().find("vm 'work'"), std::string::npos) << error->message();
}

TEST_F(StartStop, SnapshotsOffDoesNotStartWhileItsSnapshotRuns) {
  create_three();
  app::set_volume_property(vm("work"), volume("work", "private"), "revisions_to_keep", "-1");
  vm("d").start();
  const auto error = error_of([&] { vm("work").start(); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("vm 'd'"), std::string::npos) << error->message();
}

TEST_F(StartStop, OfASourceWithSnapshotsOffAndItsSnapshotInOneBatchOnlyOneStarts) {
  create_three();
  app::set_volume_property(vm("work"), volume("work", "private"), "revisions_to_keep", "-1");
  const std::vector<app::Vm*> batch = {&vm("work"), &vm("d")};
  const auto outcomes = app().start(batch);
  EXPECT_FALSE(outcomes[0].error);
  EXPECT_TRUE(outcomes[1].error);
}

TEST_F(StartStop, ReadsOnlyItsOwnDefinitionAndItsTemplates) {
  create_three();
  reopen();
  write(locations_.vm(VmName("broken")), "{");
  write(locations_.vm(VmName("d")), "not json");
  vm("work").start();
  EXPECT_EQ(vm("work").state(), app::VmState::running);
}

TEST_F(StartStop, AVmWithAKernelWithoutModulesHasNoDeviceForIt) {
  app::NewVm wanted{.name = VmName("t")};
  wanted.kernel = KernelName("6.1");
  app::create_vm(app(), std::move(wanted));
  EXPECT_EQ(vm("t").start().size(), 3u);
  EXPECT_EQ(vm("t").state(), app::VmState::running);
}

TEST_F(StartStop, DevicesOfAStoppedVmAreAnError) {
  create_three();
  expect_error(ErrorKind::not_running, [&] { vm("work").devices(); });
}

TEST_F(StartStop, AThrowawayVmIsGoneWhenItStops) {
  create_three();
  app::Vm& made = app::create_throwaway(app(), vm("work"), std::nullopt);
  EXPECT_EQ(made.name().str(), "disp1");
  made.start();
  reopen();  // its definition survives the process
  EXPECT_EQ(app::create_throwaway(app(), vm("t"), std::nullopt).name().str(), "disp2");
  vm("disp1").stop();
  vm("disp2").stop();
  expect_error(ErrorKind::not_found, [&] { vm("disp1"); });
  EXPECT_EQ(names_in(locations_.vms()), (std::set<std::string>{"t.json", "work.json", "d.json"}));
  EXPECT_TRUE(names_in(locations_.throwaways()).empty());
  EXPECT_TRUE(was_called("remove appvms/disp1/volatile"));
}

}  // namespace
}  // namespace cowshed::test
