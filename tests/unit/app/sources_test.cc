// SPDX-License-Identifier: Apache-2.0
// What a snapshot begins from stays what it was, whatever is changed between it and its source.
#include "app/pool_admin.h"
#include "app/vm_settings.h"
#include "app/volume_admin.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

using app::VmKind;

class Sources : public AppTest {
 protected:
  /// One that is saved.
  void add_data(const std::string& vm_name, const char* pool = "varlib") {
    app::NewVolume data{.properties = {.name = VolumeName("data"), .vid = Vid("x")}};
    data.properties.save_on_stop = true;
    data.size = mebibytes(1);
    data.pool = PoolName(pool);
    app::create_volume(vm(vm_name), data);
  }
  void remove_data(const std::string& vm_name) { app::remove_volume(vm(vm_name), VolumeName("data")); }
  /// A template with `data`, its app VM, whose own snapshot of that is gone, and a disposable that has one.
  void create_with_gap() {
    create("t");
    add_data("t");
    create("work", VmKind::app, "t");
    create("d", VmKind::disposable, "work");
    remove_data("work");
  }
};

TEST_F(Sources, AVolumeDoesNotComeBetweenASnapshotAndItsSource) {
  app::add_pool(app(), PoolName("fast"), {"file", 1, {{"dir_path", "/fast"}}});
  create_with_gap();
  for (const char* pool : {"varlib", "fast"})
    expect_error(ErrorKind::in_use, [&] { add_data("work", pool); });
  reopen();
  EXPECT_EQ(&volume("d", "data").source(), &volume("t", "data"));
  EXPECT_EQ(vm("work").find_volume(VolumeName("data")), nullptr);
  // Nothing is in the way of one that is never saved, or once nobody has a snapshot.
  app::NewVolume unsaved{.properties = {.name = VolumeName("data"), .vid = Vid("x")}};
  unsaved.size = mebibytes(1);
  app::create_volume(vm("work"), unsaved);
  EXPECT_EQ(&volume("d", "data").source(), &volume("t", "data"));
  remove_data("work");
  remove_data("d");
  add_data("work", "fast");
}

TEST_F(Sources, ATemplateIsNotExchangedForOneThatADisposableBelowHasNoSourceIn) {
  app::add_pool(app(), PoolName("fast"), {"file", 1, {{"dir_path", "/fast"}}});
  create_with_gap();
  create("t2");
  expect_error(ErrorKind::invalid_argument, [&] { app::set_vm(vm("work"), "template", "t2"); });
  add_data("t2", "fast");
  expect_error(ErrorKind::invalid_argument, [&] { app::set_vm(vm("work"), "template", "t2"); });
  EXPECT_EQ(vm("work").template_name()->str(), "t");
  remove_data("t2");
  add_data("t2");
  app::set_vm(vm("work"), "template", "t2");
  EXPECT_EQ(&volume("d", "data").source(), &volume("t2", "data"));
}

}  // namespace
}  // namespace cowshed::test
