// SPDX-License-Identifier: Apache-2.0
// Properties of volumes and pools while VMs are there.
#include "app/pool_admin.h"
#include "app/volume_admin.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

class SetProperties : public AppTest {
 protected:
  void set(const std::string& vm_name, const std::string& name, const char* key, const char* value) {
    app::set_volume_property(vm(vm_name), volume(vm_name, name), key, value);
  }
  static PoolName pool() { return PoolName("varlib"); }
};

TEST_F(SetProperties, WhatChangesAStartIsSetOnlyWhileTheVmIsStopped) {
  create_three();
  vm("work").start();
  expect_error(ErrorKind::running, [&] { set("work", "private", "rw", "false"); });
  expect_error(ErrorKind::running, [&] { set("work", "private", "write_policy", "overlay"); });
  expect_error(ErrorKind::running, [&] { set("work", "root", "keep_changes", "true"); });
  expect_error(ErrorKind::running, [&] { set("work", "volatile", "ephemeral", "true"); });
  expect_error(ErrorKind::running, [&] { set("work", "private", "revisions_to_keep", "-1"); });
  set("work", "private", "revisions_to_keep", "0");
  vm("work").stop();
  reopen();
  EXPECT_EQ(volume("work", "private").properties().revisions_to_keep, 0);
  EXPECT_EQ(volume("work", "private").properties().write_policy, std::nullopt);
}

TEST_F(SetProperties, LayersStandReadyOnlyForTheRootOfATemplateAndNotForEverMore) {
  create_three();
  set("t", "root", "warm", "3");
  reopen();
  EXPECT_EQ(volume("t", "root").properties().warm, 3);
  set("t", "root", "warm", "1024");
  for (const char* value : {"-1", "1025", "2147483647", "some"})
    expect_error(ErrorKind::invalid_argument, [&] { set("t", "root", "warm", value); });
  EXPECT_EQ(volume("t", "root").properties().warm, 1024);
  for (const auto& [vm_name, name] :
       {std::pair{"t", "private"}, {"t", "volatile"}, {"work", "root"}, {"work", "private"}, {"d", "root"}})
    expect_error(ErrorKind::invalid_argument,
                 [&, vm_name = vm_name, name = name] { set(vm_name, name, "warm", "1"); });
  set("work", "private", "warm", "0");
  set("t", "root", "warm", "0");
  EXPECT_EQ(volume("t", "root").properties().warm, 0);
}

TEST_F(SetProperties, WithADriverThatKeepsNothingReadyThereIsNothingToKeep) {
  create_three();
  EXPECT_EQ(app().keep_warm(), 0u);
  EXPECT_TRUE(app().warm_volumes().empty());
  EXPECT_NO_THROW(app().drop_warm());
}

TEST_F(SetProperties, SnapshotsAreSwitchedOnAgainOnlyWhileTheVmIsStopped) {
  create_three();
  set("work", "private", "revisions_to_keep", "-1");
  vm("work").start();
  for (const char* value : {"0", "1", "default"})
    expect_error(ErrorKind::running, [&] { set("work", "private", "revisions_to_keep", value); });
  vm("work").stop();
  set("work", "private", "revisions_to_keep", "default");
  EXPECT_EQ(volume("work", "private").revisions_to_keep(), 1);
}

TEST_F(SetProperties, WithoutSaveOnStopNoRevisionIsKeptWhateverThePoolSays) {
  create_three();
  EXPECT_EQ(volume("work", "private").revisions_to_keep(), 1);
  for (const char* name : {"root", "volatile"}) EXPECT_EQ(volume("work", name).revisions_to_keep(), 0);
}

TEST_F(SetProperties, APoolsDefaultMakesVolatileVolumesEphemeralThatSayNothing) {
  create_three();
  set("work", "volatile", "ephemeral", "false");
  EXPECT_FALSE(volume("t", "volatile").is_ephemeral());
  app::set_pool(app(), pool(), "ephemeral_volatile", "yes");
  reopen();
  EXPECT_TRUE(app().pool(pool()).ephemeral_volatile());
  EXPECT_TRUE(volume("t", "volatile").is_ephemeral());
  EXPECT_FALSE(volume("work", "volatile").is_ephemeral());
  for (const char* name : {"root", "private"}) EXPECT_FALSE(volume("t", name).is_ephemeral());
  set("t", "volatile", "rw", "false");
  EXPECT_FALSE(volume("t", "volatile").is_ephemeral()) << "nothing is written";
  set("work", "volatile", "ephemeral", "default");
  EXPECT_TRUE(volume("work", "volatile").is_ephemeral());
  app::set_pool(app(), pool(), "ephemeral_volatile", "no");
  EXPECT_FALSE(volume("work", "volatile").is_ephemeral());
  reopen();
  EXPECT_FALSE(app().pool(pool()).ephemeral_volatile());
}

TEST_F(SetProperties, APoolsSpaceIsWatchedByMarksThatStayUntilTheyAreUnset) {
  create("t");
  EXPECT_EQ(app().pool(pool()).space(), SpaceSettings{});
  app::set_pool(app(), pool(), "space_warning", "75");
  app::set_pool(app(), pool(), "space_hold", "2G");
  EXPECT_EQ(app().pool(pool()).space(), (SpaceSettings{75, gibibytes(2)}));
  reopen();
  EXPECT_EQ(app().pool(pool()).space(), (SpaceSettings{75, gibibytes(2)}));
  for (const char* value : {"0", "101", "-1", "9 ", "90%", ""})
    expect_error(ErrorKind::invalid_argument, [&] { app::set_pool(app(), pool(), "space_warning", value); });
  expect_error(ErrorKind::invalid_argument, [&] { app::set_pool(app(), pool(), "space_hold", "much"); });
  EXPECT_EQ(app().pool(pool()).space(), (SpaceSettings{75, gibibytes(2)}));
  for (const char* key : {"space_warning", "space_hold"}) app::set_pool(app(), pool(), key, "default");
  reopen();
  EXPECT_EQ(app().pool(pool()).space(), SpaceSettings{});
}

TEST_F(SetProperties, NoneUnsetsALimit) {
  create_three();
  set("work", "private", "cow_limit", "2MiB");
  EXPECT_EQ(volume("work", "private").properties().cow_limit, mebibytes(2));
  set("work", "private", "cow_limit", "none");
  EXPECT_EQ(volume("work", "private").properties().cow_limit, std::nullopt);
}

TEST_F(SetProperties, ADisposableFollowsThePoolWhereItsAppVmDoes) {
  create_three();
  EXPECT_EQ(volume("d", "volatile").properties().ephemeral, std::nullopt);
  app::set_pool(app(), pool(), "ephemeral_volatile", "true");
  EXPECT_TRUE(volume("d", "volatile").is_ephemeral());
  set("work", "volatile", "ephemeral", "false");
  create("e", app::VmKind::disposable, "work");
  EXPECT_EQ(volume("e", "volatile").properties().ephemeral, false);
}

TEST_F(SetProperties, APoolWhoseDriverHasNoEphemeralVolumesRefusesTheDefault) {
  create("t");
  const PoolName kernels("linux-kernel");
  expect_error(ErrorKind::not_supported,
               [&] { app::set_pool(app(), kernels, "ephemeral_volatile", "true"); });
  app::set_pool(app(), kernels, "ephemeral_volatile", "false");
  expect_error(ErrorKind::invalid_argument,
               [&] { app::set_pool(app(), pool(), "ephemeral_volatile", "maybe"); });
  expect_error(ErrorKind::invalid_argument, [&] { app::set_pool(app(), pool(), "colour", "red"); });
  reopen();
  EXPECT_FALSE(app().pool(pool()).ephemeral_volatile());
}

TEST_F(SetProperties, AConfigurationThatSaysSoOfSuchADriverIsRefusedWithItsPlace) {
  write(locations_.config(),
        R"({"format":1,"pools":{"k":{"driver":"linux-kernel","ephemeral_volatile":true,
            "parameters":{"dir_path":"/k"}}}})");
  const auto error = error_of([&] { app().pool(PoolName("k")); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_supported);
  EXPECT_EQ(error->json_pointer(), "/pools/k/ephemeral_volatile");
}

}  // namespace
}  // namespace cowshed::test
