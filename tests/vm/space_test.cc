// SPDX-License-Identifier: Apache-2.0
// The file system fills up under running VMs, and sessions come to their limits: those that would fail are
// held, and go on.
#include "support/errors.h"
#include "support/space_fixture.h"

namespace cowshed::test {
namespace {

using Kind = GuardEvent::Kind;

TEST_F(SpaceTest, the_pool_fills_up_under_fifty_vms_and_nobody_sees_an_error) {
  open(true);
  create_template(true);
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) create_app(names.emplace_back(fmt::format("app{}", i)));
  std::vector<app::Vm*> vms;
  vms.reserve(names.size());
  for (const auto& name : names) vms.push_back(&vm(name));
  for (const auto& outcome : app().start(vms)) ASSERT_FALSE(outcome.error) << outcome.error->message();
  vm("debian").start();
  time_passes();
  leave(mebibytes(64));
  GuardThread guard(app());
  {
    // The template in place, and one app VM without end.
    Writer in_place(node("debian"), root_size, 'b');
    Writer endless(node("app0"), root_size, 'c');
    ASSERT_TRUE(eventually([&] { return is_held("debian") && is_held("app0"); }))
        << in_place.written().count << " " << endless.written().count << " " << available().count;
    EXPECT_TRUE(in_place.waits());
    EXPECT_TRUE(endless.waits());
    EXPECT_LT(in_place.written(), root_size);
    EXPECT_LT(endless.written(), root_size);
    EXPECT_GT(available(), Bytes{0});
    for (std::size_t i = 1; i < names.size(); ++i) {
      // One that is held would let nobody read it.
      ASSERT_FALSE(is_held(names[i])) << names[i];
      EXPECT_FALSE(root_of(names[i]).is_invalid()) << names[i];
      expect_reads(names[i], 'a', mebibytes(1));
    }
    EXPECT_FALSE(root_of("debian").is_invalid());
    EXPECT_TRUE(guard.was_told(Kind::held, "debian"));
    EXPECT_TRUE(guard.was_told(Kind::held, "app0"));
    // Those that write little write on.
    std::vector<std::unique_ptr<Writer>> modest;
    for (std::size_t i = 1; i < names.size(); i += 7)
      modest.push_back(std::make_unique<Writer>(node(names[i]), step, 'd'));
    for (const auto& writer : modest) EXPECT_EQ(writer->finish(), "");
    give_space();
    EXPECT_EQ(in_place.finish(), "");
    EXPECT_EQ(endless.finish(), "");
  }
  EXPECT_FALSE(is_held("debian"));
  EXPECT_TRUE(guard.was_told(Kind::released, "debian"));
  EXPECT_TRUE(guard.events(Kind::invalid).empty());
  EXPECT_TRUE(guard.events(Kind::failed).empty());
  for (std::size_t i = 1; i < names.size(); ++i) expect_reads(names[i], 'a', mebibytes(1));
  expect_reads("debian", 'b');
  expect_reads("app0", 'c');
}

TEST_F(SpaceTest, an_app_vm_that_writes_without_end_is_held_at_its_limit_and_goes_on_when_it_is_raised) {
  open(true);
  create_template(false);
  for (const char* name : {"greedy", "modest"}) create_app(name);
  set("greedy", "cow_limit", "8MiB");
  vm("greedy").start();
  vm("modest").start();
  GuardThread guard(app());
  Writer writer(node("greedy"), root_size, 'g');
  ASSERT_TRUE(eventually([&] { return is_held("greedy"); }));
  EXPECT_TRUE(writer.waits());
  EXPECT_GE(writer.written(), mebibytes(7));
  EXPECT_LT(writer.written(), root_size);
  EXPECT_TRUE(guard.was_told(Kind::cow_nearly_full, "greedy"));
  write_block(open_direct(node("modest"), O_RDWR), Bytes{0}, 'm', mebibytes(1));
  EXPECT_FALSE(is_held("modest"));
  const Bytes at_first = writer.written();
  set("greedy", "cow_limit", "24MiB");
  EXPECT_TRUE(eventually([&] { return writer.written() > at_first && is_held("greedy"); }));
  EXPECT_GE(writer.written(), mebibytes(22));
  set("greedy", "cow_limit", "none");
  EXPECT_EQ(writer.finish(), "");
  expect_reads("greedy", 'g');
  EXPECT_EQ(read_block(open_direct(node("modest"), O_RDONLY), Bytes{0}), 'm');
}

TEST_F(SpaceTest, a_held_vm_whose_guest_was_killed_can_be_stopped) {
  open(true);
  create_template(false);
  create_app("work");
  set("work", "cow_limit", "2MiB");
  vm("work").start();
  GuardThread guard(app());
  GuestProcess guest(node("work"));
  ASSERT_TRUE(eventually([&] { return is_held("work"); }));
  guest.kill();
  ::usleep(100'000);
  EXPECT_FALSE(guest.is_gone()) << "its last write waits";
  vm("work").stop();
  EXPECT_TRUE(eventually([&] { return guest.is_gone(); }));
  EXPECT_FALSE(vm("work").is_running());
}

TEST_F(SpaceTest, a_held_vm_whose_guest_still_has_it_open_stays_and_is_held_on) {
  open(true);
  create_template(false);
  create_app("work");
  set("work", "cow_limit", "2MiB");
  vm("work").start();
  GuardThread guard(app());
  {
    const Fd alive = open_direct(node("work"), O_RDWR);
    GuestProcess guest(node("work"));
    ASSERT_TRUE(eventually([&] { return is_held("work"); }));
    guest.kill();
    expect_error(ErrorKind::in_use, [&] { vm("work").stop(); });
    EXPECT_TRUE(eventually([&] { return guest.is_gone(); }));
    EXPECT_TRUE(eventually([&] { return is_held("work"); }));
  }
  vm("work").stop();
}

TEST_F(SpaceTest, a_session_in_place_that_is_held_can_be_stopped_and_is_committed) {
  open(true);
  create_template(false);
  create_app("work");
  vm("work").start();
  vm("debian").start();
  GuardThread guard(app());
  leave(mebibytes(40));
  GuestProcess guest(node("debian"));
  ASSERT_TRUE(eventually([&] { return is_held("debian"); }));
  fill_up();
  guest.kill();
  vm("debian").stop();
  EXPECT_TRUE(eventually([&] { return is_held("work"); })) << "it could write";
  give_space();
  expect_reads("work", '\0');
}

TEST_F(SpaceTest,
       without_a_guard_a_session_in_place_under_snapshots_has_its_space_beforehand_or_does_not_start) {
  open(false);
  create_template(false);
  create_app("work");
  vm("work").start();
  leave(mebibytes(40));
  const auto error = error_of([&] { vm("debian").start(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::no_space) << error->message();
  EXPECT_FALSE(vm("debian").is_running());
  EXPECT_GT(available(), mebibytes(39)) << "what was reserved in vain is given back";
  give_space();
  vm("debian").start();
  fill_up();
  // What it may overwrite can be saved.
  {
    const Fd disk = open_direct(node("debian"), O_RDWR);
    for (Bytes at; at < root_size; at = at + step) {
      try {
        write_block(disk, at, 'b', step);
      } catch (const std::exception&) {
        // The image has holes, and no space for what is written there: that is the guest's own error.
      }
    }
  }
  expect_reads("work", '\0');
  EXPECT_FALSE(root_of("debian").is_invalid());
  give_space();
  vm("debian").stop();
  const auto store = stat_if_exists(locations().state / "vm-templates/debian/root-cow.img.old");
  ASSERT_TRUE(store);
  EXPECT_LE(store->allocated, root_size + mebibytes(2));
}

TEST_F(SpaceTest, without_a_guard_the_first_snapshot_of_a_running_session_has_it_reserve) {
  open(false);
  create_template(false);
  create_app("work");
  vm("debian").start();
  leave(mebibytes(40));
  expect_error(ErrorKind::no_space, [&] { vm("work").start(); });
  give_space();
  vm("work").start();
  const auto store = stat_if_exists(locations().state / "vm-templates/debian/root-cow.img");
  ASSERT_TRUE(store);
  EXPECT_GE(store->allocated, root_size);
  write_block(open_direct(node("debian"), O_RDWR), Bytes{0}, 'b', step);
  vm("debian").stop();
  const auto revision = stat_if_exists(locations().state / "vm-templates/debian/root-cow.img.old");
  ASSERT_TRUE(revision);
  EXPECT_LE(revision->allocated, mebibytes(3)) << "what was not needed is given back";
}

}  // namespace
}  // namespace cowshed::test
