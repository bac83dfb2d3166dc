// SPDX-License-Identifier: Apache-2.0
#include "app/pool_admin.h"
#include "app/remove_vm.h"
#include "app/vm_settings.h"
#include "app/volume_admin.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

using app::NewVm;
using app::VmKind;
using pools::VolumeKind;

class CreateRemove : public AppTest {
 protected:
  VolumeKind kind(const std::string& vm_name, const std::string& name) {
    return volume(vm_name, name).kind();
  }
  /// Nothing of a VM is left: no definition, no intent, no data.
  void expect_nothing_of(const std::string& name) {
    for (const auto& file : names_in(locations_.vms())) EXPECT_FALSE(file.starts_with(name + ".")) << file;
    for (const auto& key : world_.data) EXPECT_EQ(key.find("/" + name + "/"), std::string::npos) << key;
  }
  std::optional<Error> create_error(NewVm wanted) {
    return error_of([&] { app::create_vm(app(), std::move(wanted)); });
  }
};

TEST_F(CreateRemove, AFirstStartHasTwoPools) {
  create("t");
  EXPECT_EQ(app().config().pools.size(), 2u);
  EXPECT_EQ(app().config().pools.at(PoolName("varlib")).parameters.at("dir_path"), locations_.state.native());
  EXPECT_EQ(app().config().defaults.at("default_pool_kernel").str(), "linux-kernel");
  EXPECT_TRUE(was_called("setup varlib"));
}

TEST_F(CreateRemove, LookingCreatesNothing) {
  {
    app::App reader(options(app::Access::read));
    EXPECT_TRUE(reader.vms().empty());
    EXPECT_EQ(reader.config().pools.size(), 2u);
  }
  expect_error(ErrorKind::not_found, [&] { vm("nosuch"); });
  app_.reset();
  EXPECT_TRUE(names_in(directory_).empty());
}

TEST_F(CreateRemove, EachKindHasItsVolumes) {
  create_three();
  EXPECT_EQ(kind("t", "root"), VolumeKind::origin);
  EXPECT_EQ(kind("t", "private"), VolumeKind::origin);
  EXPECT_EQ(kind("work", "root"), VolumeKind::snapshot);
  EXPECT_EQ(kind("work", "private"), VolumeKind::origin);
  EXPECT_EQ(kind("d", "root"), VolumeKind::snapshot);
  EXPECT_EQ(kind("d", "private"), VolumeKind::snapshot);
  EXPECT_EQ(kind("d", "volatile"), VolumeKind::volatile_);
  EXPECT_EQ(volume("t", "root").properties().size, gibibytes(10));
  EXPECT_EQ(volume("t", "private").properties().size, gibibytes(2));
  EXPECT_EQ(volume("t", "volatile").properties().size, gibibytes(10));
}

TEST_F(CreateRemove, TheSourceIsTheNearestSavedVolumeUpTheChain) {
  create_three();
  EXPECT_EQ(&volume("d", "root").source(), &volume("t", "root"));
  EXPECT_EQ(&volume("d", "private").source(), &volume("work", "private"));
}

TEST_F(CreateRemove, DefinitionsMayBeLoadedInAnyOrder) {
  create_three();
  reopen();
  EXPECT_EQ(&volume("d", "root").source(), &volume("t", "root"));
}

TEST_F(CreateRemove, AdditionalVolumesOfATemplateBecomeSnapshots) {
  create("t");
  app::NewVolume data{.properties = {.name = VolumeName("data"), .vid = Vid("x")}};
  data.properties.save_on_stop = true;
  data.properties.rw = false;
  data.size = mebibytes(1);
  app::create_volume(vm("t"), data);
  create("work", VmKind::app, "t");
  create("d", VmKind::disposable, "work");
  EXPECT_EQ(kind("work", "data"), VolumeKind::snapshot);
  EXPECT_FALSE(volume("work", "data").properties().rw);
  EXPECT_EQ(&volume("d", "data").source(), &volume("t", "data"));
}

TEST_F(CreateRemove, ADisposableTakesOverWhatItsAppVmHas) {
  app::add_pool(app(), PoolName("fast"), {"file", 1, {{"dir_path", "/fast"}}});
  create("t");
  NewVm work{.name = VmName("work"), .kind = VmKind::app, .template_name = VmName("t")};
  work.volumes.pools.emplace(VolumeName("volatile"), PoolName("fast"));
  app::create_vm(app(), work);
  app::set_volume_property(vm("work"), volume("work", "volatile"), "ephemeral", "true");
  app::set_volume_property(vm("work"), volume("work", "private"), "rw", "false");
  create("d", VmKind::disposable, "work");
  EXPECT_EQ(volume("d", "volatile").pool().name().str(), "fast");
  EXPECT_EQ(volume("d", "volatile").properties().ephemeral, true);
  EXPECT_FALSE(volume("d", "private").properties().rw);
}

TEST_F(CreateRemove, AVolumeStaysWhereItWasCreated) {
  app::add_pool(app(), PoolName("fast"), {"file", 1, {{"dir_path", "/fast"}}});
  create("t");
  app::set_default(app(), "default_pool", PoolName("fast"));
  create("u");
  reopen();
  EXPECT_EQ(volume("t", "root").pool().name().str(), "varlib");
  EXPECT_EQ(volume("u", "root").pool().name().str(), "fast");
}

TEST_F(CreateRemove, WishesThatCannotBeMetAreRefused) {
  create("t");
  NewVm app_vm{.name = VmName("work"), .kind = VmKind::app, .template_name = VmName("t")};
  const auto refused = [&](auto change) {
    NewVm wanted = app_vm;
    change(wanted);
    const auto error = create_error(wanted);
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->kind() == ErrorKind::invalid_argument || error->kind() == ErrorKind::not_found)
        << error->message();
    expect_nothing_of("work");
  };
  refused([](NewVm& vm) { vm.volumes.pools.emplace(VolumeName("root"), PoolName("varlib")); });
  refused([](NewVm& vm) { vm.volumes.pools.emplace(VolumeName("rot"), PoolName("varlib")); });
  refused([](NewVm& vm) { vm.volumes.pools.emplace(VolumeName("private"), PoolName("nosuch")); });
  refused([](NewVm& vm) { vm.volumes.pool = PoolName("nosuch"); });
  refused([](NewVm& vm) {
    vm.volumes.pool = PoolName("varlib");
    vm.volumes.pools.emplace(VolumeName("private"), PoolName("varlib"));
  });
  refused([](NewVm& vm) { vm.volumes.sizes.emplace(VolumeName("root"), mebibytes(1)); });
  refused([](NewVm& vm) { vm.volumes.sizes.emplace(VolumeName("private"), Bytes{0}); });
  refused([](NewVm& vm) { vm.volumes.sizes.emplace(VolumeName("private"), Bytes{1000}); });
  refused([](NewVm& vm) { vm.template_name = VmName("nosuch"); });
  refused([](NewVm& vm) { vm.root_image = Path("/etc/hostname"); });
  refused([](NewVm& vm) {
    vm.kind = VmKind::template_;
    vm.template_name.reset();
    vm.root_image = Path("/nosuch.img");
  });
}

TEST_F(CreateRemove, OnlyATemplateHasAppVmsAndOnlyAnAppVmStoredDisposables) {
  create_three();
  expect_error(ErrorKind::invalid_argument, [&] { create("x", VmKind::app, "work"); });
  expect_error(ErrorKind::invalid_argument, [&] { create("x", VmKind::disposable, "t"); });
  expect_error(ErrorKind::invalid_argument, [&] { create("x", VmKind::disposable, "d"); });
}

TEST_F(CreateRemove, ANameIsTakenOnce) {
  create("t");
  expect_error(ErrorKind::exists, [&] { create("t"); });
  EXPECT_TRUE(world_.data.contains("varlib/vm-templates/t/root"));
}

TEST_F(CreateRemove, AFailedCreationLeavesNothing) {
  create("t");
  world_.failures.emplace("create appvms/work/private", Error(ErrorKind::no_space, "disk full"));
  const auto error = error_of([&] { create("work", VmKind::app, "t"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "create vm 'work': volume 'private': disk full");
  expect_nothing_of("work");
  world_.failures.clear();
  create("work", VmKind::app, "t");
}

TEST_F(CreateRemove, AnInterruptedCreationLeavesNothing) {
  world_.hook = [](const std::string& call) {
    if (call.starts_with("create")) app::request_interruption();
  };
  expect_error(ErrorKind::interrupted, [&] { create("t"); });
  expect_nothing_of("t");
}

TEST_F(CreateRemove, DataOfSomebodyElseIsNeitherTakenNorRemoved) {
  world_.data.insert("varlib/vm-templates/t/private");
  expect_error(ErrorKind::exists, [&] { create("t"); });
  EXPECT_TRUE(world_.data.contains("varlib/vm-templates/t/private"));
  EXPECT_FALSE(world_.data.contains("varlib/vm-templates/t/root"));
}

TEST_F(CreateRemove, ARootImageGivesTheRootItsSize) {
  const Path image = directory_ / "root.img";
  write(image, std::string(1000, 'x'));
  NewVm wanted{.name = VmName("t")};
  wanted.root_image = image;
  app::create_vm(app(), wanted);
  EXPECT_EQ(volume("t", "root").properties().size.count, 1024u);
  NewVm small{.name = VmName("u")};
  small.root_image = image;
  small.volumes.sizes.emplace(VolumeName("root"), Bytes{512});
  expect_error(ErrorKind::invalid_argument, [&] { app::create_vm(app(), small); });
}

TEST_F(CreateRemove, RemovingTakesDefinitionAndData) {
  create_three();
  app::remove_vm(vm("d"));
  expect_nothing_of("d");
  expect_error(ErrorKind::not_found, [&] { vm("d"); });
}

TEST_F(CreateRemove, ARunningVmIsNotRemoved) {
  create_three();
  vm("d").start();
  expect_error(ErrorKind::running, [&] { app::remove_vm(vm("d")); });
}

TEST_F(CreateRemove, ATemplateInUseIsNotRemovedAndItsUsersAreNamed) {
  create_three();
  const auto error = error_of([&] { app::remove_vm(vm("t")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
  EXPECT_EQ(error->message(), "remove vm 't': it is the template of 'work'");
}

TEST_F(CreateRemove, ATemplateIsNotRemovedWhileADefinitionCannotBeRead) {
  create_three();
  write(locations_.vm(VmName("broken")), "{");
  reopen();
  EXPECT_TRUE(error_of([&] { app::remove_vm(vm("d")); }));
  EXPECT_TRUE(world_.data.contains("varlib/vm-templates/t/root"));
}

TEST_F(CreateRemove, OneBrokenDefinitionDoesNotStopTheList) {
  create_three();
  write(locations_.vm(VmName("broken")), R"({"format":1,"kind":)");
  reopen();
  const auto vms = app().vms();
  ASSERT_EQ(vms.size(), 4u);
  EXPECT_EQ(vms[0].name.str(), "broken");
  EXPECT_TRUE(vms[0].error);
  EXPECT_NE(vms[1].vm, nullptr);
}

TEST_F(CreateRemove, ATemplateCycleNamesTheVms) {
  create_three();
  write(locations_.vm(VmName("a")), R"({"format":1,"kind":"app","template":"b","volumes":{}})");
  write(locations_.vm(VmName("b")),
        R"({"format":1,"kind":"app","template":"a","volumes":{"root":{"pool":"varlib",
      "vid":"appvms/b/root","snap_on_start":true}}})");
  const auto error = error_of([&] { static_cast<void>(volume("b", "root").source()); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(error->message(), "template cycle: b -> a -> b");
}

TEST_F(CreateRemove, AnUnknownTemplateNamesBothVms) {
  create("t");
  write(locations_.vm(VmName("a")), R"({"format":1,"kind":"app","template":"nosuch","volumes":{}})");
  const auto error = error_of([&] { vm("a").chain(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(error->message(), "vm 'a' has the template 'nosuch', which does not exist");
}

TEST_F(CreateRemove, ASourceInAnotherPoolIsRefused) {
  app::add_pool(app(), PoolName("fast"), {"file", 1, {{"dir_path", "/fast"}}});
  create("t");
  write(locations_.vm(VmName("a")),
        R"({"format":1,"kind":"app","template":"t","volumes":{"root":{"pool":"fast",
      "vid":"appvms/a/root","snap_on_start":true}}})");
  expect_error(ErrorKind::invalid_argument, [&] { static_cast<void>(volume("a", "root").source()); });
}

TEST_F(CreateRemove, AVolumeIsAddedAndRemoved) {
  create_three();
  app::NewVolume data{.properties = {.name = VolumeName("data"), .vid = Vid("x")}};
  data.properties.save_on_stop = true;
  data.size = mebibytes(1);
  app::create_volume(vm("work"), data);
  expect_error(ErrorKind::exists, [&] { app::create_volume(vm("work"), data); });
  reopen();
  EXPECT_EQ(kind("work", "data"), VolumeKind::origin);
  app::remove_volume(vm("work"), VolumeName("data"));
  EXPECT_FALSE(world_.data.contains("varlib/appvms/work/data"));
  reopen();
  expect_error(ErrorKind::not_found, [&] { volume("work", "data"); });
  EXPECT_FALSE(std::filesystem::exists(locations_.pending(VmName("work"))));
}

TEST_F(CreateRemove, AVolumeThatIsASourceIsNotRemoved) {
  create_three();
  const auto error = error_of([&] { app::remove_volume(vm("work"), VolumeName("private")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
  EXPECT_NE(error->message().find("'d'"), std::string::npos) << error->message();
}

TEST_F(CreateRemove, SnapshotsAreNotSwitchedOffWhileADisposableRuns) {
  create_three();
  vm("d").start();
  expect_error(ErrorKind::running, [&] {
    app::set_volume_property(vm("work"), volume("work", "private"), "revisions_to_keep", "-1");
  });
  vm("d").stop();
  app::set_volume_property(vm("work"), volume("work", "private"), "revisions_to_keep", "-1");
  reopen();
  EXPECT_EQ(volume("work", "private").revisions_to_keep(), -1);
}

TEST_F(CreateRemove, PropertiesThatDoNotFitTheKindAreRefused) {
  create_three();
  const auto refuse = [&](const char* name, const char* key, const char* value) {
    const auto error =
        error_of([&] { app::set_volume_property(vm("work"), volume("work", name), key, value); });
    ASSERT_TRUE(error) << key << "=" << value;
  };
  refuse("root", "revisions_to_keep", "-1");
  refuse("root", "revisions_to_keep", "1");
  refuse("root", "ephemeral", "true");
  refuse("private", "revisions_to_keep", "-2");
  refuse("private", "revisions_to_keep", "2");
  refuse("private", "revisions_to_keep", "many");
  refuse("private", "keep_changes", "yes");
  refuse("private", "rw", "maybe");
  refuse("private", "size", "10G");
  refuse("private", "nosuch", "1");
  refuse("private", "cow_limit", "1000");
  refuse("volatile", "write_policy", "overlay");
}

TEST_F(CreateRemove, ATemplateIsExchangedWhileEverythingIsStopped) {
  create_three();
  create("t2");
  vm("d").start();
  expect_error(ErrorKind::running, [&] { app::set_vm(vm("work"), "template", "t2"); });
  vm("d").stop();
  app::set_vm(vm("work"), "template", "t2");
  EXPECT_EQ(&volume("d", "root").source(), &volume("t2", "root"));
  expect_error(ErrorKind::invalid_argument, [&] { app::set_vm(vm("work"), "template", "d"); });
  expect_error(ErrorKind::invalid_argument, [&] { app::set_vm(vm("t"), "template", "t2"); });
  expect_error(ErrorKind::invalid_argument, [&] { app::set_vm(vm("work"), "colour", "red"); });
}

TEST_F(CreateRemove, AKernelIsSetAndInherited) {
  create("t");
  app::set_vm(vm("t"), "kernel", "6.1");
  create("work", VmKind::app, "t");
  EXPECT_EQ(volume("work", "kernel").properties().vid.str(), "6.1");
  EXPECT_EQ(volume("work", "kernel").pool().name().str(), "linux-kernel");
  EXPECT_FALSE(volume("work", "kernel").properties().rw);
}

TEST_F(CreateRemove, APoolInUseIsNotRemovedAndItsUsersAreListed) {
  create("t");
  const auto error = error_of([&] { app::remove_pool(app(), PoolName("varlib")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
  EXPECT_NE(error->message().find("t:root"), std::string::npos) << error->message();
  EXPECT_NE(error->message().find("default_pool (not set, falls back to it)"), std::string::npos);
}

TEST_F(CreateRemove, PoolsAreCheckedWhenTheyAreAdded) {
  const auto add = [&](const char* name, const char* driver, pools::Parameters parameters) {
    return error_of([&] { app::add_pool(app(), PoolName(name), {driver, 1, std::move(parameters)}); });
  };
  EXPECT_EQ(add("a", "zfs", {})->kind(), ErrorKind::not_found);
  EXPECT_EQ(add("a", "file", {})->kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(add("a", "file", {{"dir_path", "relative"}})->kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(add("a", "file", {{"dir", "/a"}})->kind(), ErrorKind::invalid_argument);
  EXPECT_FALSE(add("a", "file", {{"dir_path", "/a"}}));
  EXPECT_EQ(add("a", "file", {{"dir_path", "/b"}})->kind(), ErrorKind::exists);
  EXPECT_EQ(add("b", "file", {{"dir_path", "/a"}})->kind(), ErrorKind::exists);
  app::remove_pool(app(), PoolName("a"));
  EXPECT_TRUE(was_called("destroy a"));
  reopen();
  EXPECT_FALSE(app().config().pools.contains(PoolName("a")));
}

TEST_F(CreateRemove, ABrokenPoolNamesFileAndPointer) {
  write(locations_.config(), R"({"format":1,"pools":{"a":{"driver":"zfs"}}})");
  const auto error = error_of([&] { app().pool(PoolName("a")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->json_pointer(), "/pools/a/driver");
  EXPECT_NE(error->message().find(locations_.config().native()), std::string::npos);
}

TEST_F(CreateRemove, NamesThatLeadElsewhereAreRefused) {
  for (const std::string& name :
       std::vector<std::string>{"a/b", "..", "a b", "a\nb", "", "-x", std::string(300, 'a')})
    expect_error(ErrorKind::invalid_argument, [&] { VmName{name}; });
}

}  // namespace
}  // namespace cowshed::test
