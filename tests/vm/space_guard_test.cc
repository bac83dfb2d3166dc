// SPDX-License-Identifier: Apache-2.0
// Sessions are held and let go on, whichever call of it fails.
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

#include "support/file_pool_fixture.h"

namespace cowshed::test {
namespace {

/// Lets one of the calls fail.
class FailingPort : public dm::IoctlPort {
 public:
  struct Plan {
    /// Counted down with each call; the one that finds 1 fails. 0: none does.
    std::atomic<int> at = 0;
    std::atomic<bool> was_hit = false;
  };
  explicit FailingPort(Plan& plan) : plan_(plan), real_(dm::open_control_device()) {}
  int issue(unsigned long request, void* buffer) override {
    if (plan_.at > 0 && --plan_.at == 0) {
      plan_.was_hit = true;
      errno = EIO;
      return -1;
    }
    return real_->issue(request, buffer);
  }

 private:
  Plan& plan_;
  std::unique_ptr<dm::IoctlPort> real_;
};

class SpaceGuardTest : public FilePoolTest {
 protected:
  void SetUp() override {
    FilePoolTest::SetUp();
    if (IsSkipped()) return;
    host().set_guarded(true);
    pool().begin_guard({});
  }

  std::unique_ptr<layers::Host> make_host() override {
    return std::make_unique<layers::Host>(std::make_unique<FailingPort>(plan_));
  }

  pools::Volume& limited_snapshot(pools::Volume& source, Bytes limit) {
    auto p = properties("appvms/work/root");
    p.snap_on_start = true;
    p.cow_limit = limit;
    return add(p, &source);
  }
  void set_limit(pools::Volume& volume, std::optional<Bytes> limit) {
    auto changed = volume.properties();
    changed.cow_limit = limit;
    volume.set_properties(changed);
  }
  static std::vector<GuardEvent> of_kind(const GuardReport& report, GuardEvent::Kind kind) {
    auto events = report.events;
    std::erase_if(events, [&](const GuardEvent& event) { return event.kind != kind; });
    return events;
  }
  /// A pass in which the n-th call of the kernel's fails. False where there were fewer.
  bool pass_with_fault(int n) {
    plan_.was_hit = false;
    plan_.at = n;
    const GuardReport report = pool().guard();
    plan_.at = 0;
    if (plan_.was_hit) {
      EXPECT_FALSE(of_kind(report, GuardEvent::Kind::failed).empty()) << n;
      EXPECT_LE(report.next, std::chrono::milliseconds(100));
    }
    return plan_.was_hit;
  }

  FailingPort::Plan plan_;
};

using Kind = GuardEvent::Kind;
constexpr Bytes limit = mebibytes(1);

TEST_F(SpaceGuardTest, whichever_call_fails_a_session_is_held_and_let_go_on_by_the_next_pass) {
  auto& root = origin("debian");
  auto& app = limited_snapshot(root, limit);
  const Path node = start(app);
  fill(node, limit, 'a');
  int points = 0;
  for (int n = 1;; ++n) {
    const bool was_hit = pass_with_fault(n);
    pool().guard();
    EXPECT_TRUE(app.is_held()) << n;
    set_limit(app, limit * 2);
    const bool was_hit_again = pass_with_fault(n);
    pool().guard();
    EXPECT_FALSE(app.is_held()) << n;
    EXPECT_EQ(get(node, first_block), 'a');
    set_limit(app, limit);
    if (!was_hit && !was_hit_again) break;
    ++points;
  }
  EXPECT_GE(points, 4);
  set_limit(app, std::nullopt);
  pool().guard();
  stop(app);
}

TEST_F(SpaceGuardTest, a_held_session_is_told_once_and_so_is_its_going_on) {
  auto& app = limited_snapshot(origin("debian"), limit);
  const Path node = start(app);
  EXPECT_TRUE(pool().guard().events.empty());
  fill(node, {limit.count / 8 * 7}, 'a');
  EXPECT_EQ(of_kind(pool().guard(), Kind::cow_nearly_full).size(), 1u);
  EXPECT_TRUE(pool().guard().events.empty());
  fill(node, limit, 'a');
  const auto held = of_kind(pool().guard(), Kind::held);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].vid, "appvms/work/root");
  EXPECT_EQ(held[0].reason, HoldReason::cow_limit);
  EXPECT_EQ(held[0].limit, limit);
  const GuardReport still = pool().guard();
  EXPECT_TRUE(still.events.empty());
  EXPECT_EQ(still.held, 1u);
  set_limit(app, limit * 4);
  const auto released = of_kind(pool().guard(), Kind::released);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].reason, HoldReason::cow_limit);
  EXPECT_EQ(pool().guard().held, 0u);
  stop(app);
}

TEST_F(SpaceGuardTest, the_limit_of_a_session_in_place_and_of_an_overlay_is_what_they_overwrite) {
  for (const auto policy : {pools::WritePolicy::in_place, pools::WritePolicy::overlay}) {
    auto p = properties(std::string("vm-templates/") + std::string(to_string(policy)) + "/root");
    p.save_on_stop = true;
    p.write_policy = policy;
    p.cow_limit = limit;
    auto& volume = add(p);
    volume.create({}).get();
    const Path node = start(volume);
    pool().guard();
    EXPECT_FALSE(volume.is_held());
    fill(node, limit, 'a');
    pool().guard();
    EXPECT_TRUE(volume.is_held()) << to_string(policy);
    // Its guest has let go of it.
    stop(volume);
    EXPECT_FALSE(volume.is_dirty());
    set_limit(volume, std::nullopt);
    EXPECT_EQ(get(start(volume), first_block), 'a');
    stop(volume);
  }
}

TEST_F(SpaceGuardTest, what_another_guard_has_held_is_let_go_on) {
  auto& app = limited_snapshot(origin("debian"), limit);
  const Path node = start(app);
  fill(node, limit, 'a');
  pool().guard();
  ASSERT_TRUE(app.is_held());
  auto next = make_pool(found_driver(), {{"dir_path", scratch().native()}});
  next->begin_guard({});
  const auto released = of_kind(next->guard(), Kind::released);
  // It knows of no limit.
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].reason, HoldReason::inherited);
  EXPECT_FALSE(app.is_held());
  stop(app);
}

TEST_F(SpaceGuardTest, when_the_guard_ends_nobody_stays_held) {
  auto& app = limited_snapshot(origin("debian"), limit);
  fill(start(app), limit, 'a');
  pool().guard();
  ASSERT_TRUE(app.is_held());
  host().set_guarded(false);
  pools::Volume* const running[] = {&app};
  EXPECT_TRUE(pool().end_guard(running));
  EXPECT_FALSE(app.is_held());
  stop(app);
}

TEST_F(SpaceGuardTest, without_a_guard_a_volume_with_a_limit_does_not_start) {
  auto& app = limited_snapshot(origin("debian"), limit);
  host().set_guarded(false);
  const auto error = error_of([&] { start(app); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::not_supported);
  EXPECT_NE(error->message().find("needs the service"), std::string::npos) << error->message();
  EXPECT_FALSE(app.is_running());
}

TEST_F(SpaceGuardTest, what_the_kernel_has_given_up_is_told_and_not_held) {
  auto& app = limited_snapshot(origin("debian"), limit);
  const Path node = start(app);
  pool().guard();
  const auto device = layers::find_guest_device(
      host(), layers::VolumeKey(layers::id_of_directory(scratch()), PoolName("test"), app.properties().vid),
      std::array{layers::Role::snapshot});
  ASSERT_TRUE(device);
  // A store of no size: the first write overflows.
  const auto table = dm::Snapshot::parse(control().table(device->uuid).at(0).params);
  const loop::Loop tiny = disk(kibibytes(32));
  dm::Snapshot small = table;
  small.cow = number_of(tiny);
  const auto length = control().table(device->uuid).at(0).length;
  control().load(device->uuid, dm::whole_device(length, small));
  control().resume(device->uuid);
  EXPECT_THROW(fill(node, mebibytes(1), 'a'), std::exception);
  EXPECT_EQ(of_kind(pool().guard(), Kind::invalid).size(), 1u);
  EXPECT_TRUE(pool().guard().events.empty());
  EXPECT_FALSE(app.is_held());
  stop(app);
}

TEST_F(SpaceGuardTest, a_volatile_volume_has_no_limit_but_its_size) {
  auto p = properties("appvms/work/volatile");
  p.cow_limit = limit;
  expect_error(ErrorKind::invalid_argument, [&] { pool().check(p); });
}

}  // namespace
}  // namespace cowshed::test
