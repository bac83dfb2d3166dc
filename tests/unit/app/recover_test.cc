// SPDX-License-Identifier: Apache-2.0
#include "app/recover.h"

#include "app/remove_vm.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

class Recovery : public AppTest {
 protected:
  /// The moment of the crash: what is on disk at the first call that begins with `call`.
  void crash_at(const std::string& call, const std::function<void()>& work) {
    const Path saved = directory_ / "saved";
    std::set<std::string> data;
    world_.hook = [&](const std::string& now) {
      const std::lock_guard guard(crash_mutex_);
      if (!now.starts_with(call) || std::filesystem::exists(saved)) return;
      std::filesystem::copy(locations_.state, saved, std::filesystem::copy_options::recursive);
      const std::lock_guard world_guard(world_.mutex);
      data = world_.data;
    };
    work();
    world_.hook = nullptr;
    ASSERT_TRUE(std::filesystem::exists(saved)) << call << " never came";
    app_.reset();
    std::filesystem::remove_all(locations_.state);
    std::filesystem::rename(saved, locations_.state);
    world_.data = data;
  }
  std::mutex crash_mutex_;
};

TEST_F(Recovery, IsDoneBeforeAnythingElseAfterACrash) {
  create("t");
  reopen();
  EXPECT_FALSE(was_called("recover varlib 3"));
  reopen_after_crash();
  EXPECT_TRUE(was_called("recover varlib 3"));
  EXPECT_FALSE(app().unclean());
}

TEST_F(Recovery, IsDueStillWhenTheCommandAfterTheCrashCouldNotDoIt) {
  create("t");
  const std::string config = read(locations_.config());
  write(locations_.config(), "{");
  expect_error(ErrorKind::invalid_argument, [&] { reopen_after_crash(); });
  write(locations_.config(), config);
  reopen();
  EXPECT_TRUE(was_called("recover varlib 3"));
}

TEST_F(Recovery, IsDueWhereAnotherCommandCrashedWhileTheLockWasLetGo) {
  create("t");
  app().while_unlocked([&] { write(locations_.lock(), "4242 vm start work"); });
  reopen();
  EXPECT_TRUE(was_called("recover varlib 3"));
}

TEST_F(Recovery, ACreationThatWasCutOffLeavesNothing) {
  create("t");
  crash_at("create appvms/work/volatile", [&] { create("work", app::VmKind::app, "t"); });
  EXPECT_TRUE(std::filesystem::exists(locations_.pending(VmName("work"))));
  reopen_after_crash();
  EXPECT_EQ(names_in(locations_.vms()), std::set<std::string>{"t.json"});
  EXPECT_FALSE(world_.data.contains("varlib/appvms/work/private"));
  EXPECT_TRUE(world_.data.contains("varlib/vm-templates/t/root"));
}

TEST_F(Recovery, ARemovalThatWasCutOffIsFinished) {
  create_three();
  crash_at("remove appvms/d/volatile", [&] { app::remove_vm(vm("d")); });
  reopen_after_crash();
  EXPECT_EQ(names_in(locations_.vms()), (std::set<std::string>{"t.json", "work.json"}));
  expect_error(ErrorKind::not_found, [&] { vm("d"); });
}

TEST_F(Recovery, ARemovalThatFailedIsFinishedByTheNextCommand) {
  create_three();
  world_.failures.emplace("remove appvms/d/volatile", Error(ErrorKind::permission, "no"));
  EXPECT_TRUE(error_of([&] { app::remove_vm(vm("d")); }));
  world_.failures.clear();
  reopen();
  EXPECT_EQ(names_in(locations_.vms()), (std::set<std::string>{"t.json", "work.json"}));
}

TEST_F(Recovery, AnIntentWhoseVolumesAreListedTakesNothing) {
  create("t");
  std::filesystem::copy(locations_.vm(VmName("t")), locations_.pending(VmName("t")));
  reopen_after_crash();
  EXPECT_EQ(names_in(locations_.vms()), std::set<std::string>{"t.json"});
  EXPECT_EQ(world_.data.size(), 3u);
}

TEST_F(Recovery, AVmOfWhichOnlyAPartRunsIsTakenDown) {
  create_three();
  vm("work").start();
  world_.running.erase("varlib/appvms/work/root");
  reopen_after_crash();
  EXPECT_TRUE(world_.running.empty());
  EXPECT_TRUE(was_called("abandon appvms/work/private"));
  EXPECT_FALSE(std::filesystem::exists(locations_.devices(VmName("work"))));
}

TEST_F(Recovery, WhatRunsGoesOnAndGetsItsLinksBack) {
  create_three();
  vm("work").start();
  std::filesystem::remove_all(locations_.devices());
  reopen_after_crash();
  EXPECT_EQ(vm("work").state(), app::VmState::running);
  EXPECT_EQ(names_in(locations_.devices(VmName("work"))).size(), 3u);
}

TEST_F(Recovery, AThrowawayVmThatRunsStays) {
  create_three();
  app::create_throwaway(app(), vm("work"), VmName("disp1")).start();
  reopen_after_crash();
  EXPECT_EQ(vm("disp1").state(), app::VmState::running);
  EXPECT_TRUE(world_.data.contains("varlib/appvms/disp1/volatile"));
}

TEST_F(Recovery, AThrowawayVmThatRunsNoMoreIsGone) {
  create_three();
  app::create_throwaway(app(), vm("work"), VmName("disp1")).start();
  world_.running.clear();  // a power loss
  app_.reset();
  std::filesystem::remove_all(locations_.run);
  write(locations_.lock(), "clean 00000000-0000-0000-0000-000000000000");
  app();
  expect_error(ErrorKind::not_found, [&] { vm("disp1"); });
  EXPECT_FALSE(world_.data.contains("varlib/appvms/disp1/volatile"));
  EXPECT_FALSE(std::filesystem::exists(locations_.pending(VmName("disp1"))));
}

TEST_F(Recovery, DryRunTellsAndChangesNothing) {
  create_three();
  vm("work").start();
  world_.running.erase("varlib/appvms/work/root");
  write(
      locations_.pending(VmName("x")),
      R"({"format":1,"kind":"template","volumes":{"root":{"pool":"varlib","vid":"vm-templates/x/root","size":512}}})");
  const auto lines = app().recover(true).lines;
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(world_.running.size(), 2u);
  EXPECT_TRUE(std::filesystem::exists(locations_.pending(VmName("x"))));
  EXPECT_TRUE(was_called("recover varlib 9 dry"));
}

TEST_F(Recovery, WhatCannotBeReadIsReportedAndTheRestRecovered) {
  create_three();
  vm("work").start();
  world_.running.erase("varlib/appvms/work/root");
  write(locations_.vm(VmName("broken")), "{");
  reopen_after_crash();
  EXPECT_TRUE(world_.running.empty());
  EXPECT_TRUE(app().unclean());
  std::filesystem::remove(locations_.vm(VmName("broken")));
  reopen();
  EXPECT_FALSE(app().unclean());
}

}  // namespace
}  // namespace cowshed::test
