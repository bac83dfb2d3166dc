// SPDX-License-Identifier: Apache-2.0
// Conformance: the four kinds of volumes, and revisions.
#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;

TEST_P(ConformanceTest, a_volatile_volume_is_empty_at_each_start) {
  const auto p = of_kind("v", false, false);
  if (!can(Capability::volatile_volumes)) return expect_properties_refused(Capability::volatile_volumes, p);
  Volume& volume = make(p);
  for (const char value : {'a', 'b'}) {
    const Path node = start(volume);
    expect_all(node, image_size, 0);
    fill(node, image_size, value);
    expect_all(node, image_size, value);
    stop(volume);
  }
  EXPECT_FALSE(volume.is_dirty());
  keeps(Capability::volatile_volumes);
}

TEST_P(ConformanceTest, an_origin_volume_keeps_what_its_sessions_commit) {
  if (!can(Capability::origin_volumes))
    return expect_properties_refused(Capability::origin_volumes, origin_properties());
  Volume& volume = make_origin();
  expect_holds(volume, image_size, 0);
  for (const char value : {'a', 'b'}) {
    commit(volume, value);
    EXPECT_FALSE(volume.is_dirty());
    expect_holds(volume, image_size, value);
  }
  keeps(Capability::origin_volumes);
}

TEST_P(ConformanceTest, a_snapshot_sees_what_was_committed_before_its_start_and_nothing_else) {
  if (!can(Capability::snapshot_volumes))
    return expect_properties_refused(Capability::snapshot_volumes, of_kind("a", true, false));
  Volume& source = make_origin();
  commit(source, 'a');
  Volume& before = make_snapshot(source, "before");
  expect_all(start(before), image_size, 'a');

  fill(start(source), image_size, 'b');
  Volume& meanwhile = make_snapshot(source, "meanwhile");
  expect_all(start(meanwhile), image_size, 'a');
  expect_all(before.block_device()->node, image_size, 'a');
  EXPECT_FALSE(before.is_outdated());

  stop(source);
  for (Volume* snapshot : {&before, &meanwhile}) {
    expect_all(snapshot->block_device()->node, image_size, 'a');
    EXPECT_TRUE(snapshot->is_outdated());
    stop(*snapshot);
    EXPECT_FALSE(snapshot->is_outdated());
    expect_holds(*snapshot, image_size, 'b');
  }
  keeps(Capability::snapshot_volumes);
}

TEST_P(ConformanceTest, what_a_snapshot_writes_is_its_own_and_gone_at_its_stop) {
  if (!can(Capability::snapshot_volumes)) return;
  Volume& source = make_origin();
  commit(source, 'a');
  Volume &one = make_snapshot(source, "one"), &other = make_snapshot(source, "other");
  start(one);
  start(other);
  fill(one.block_device()->node, image_size, 'x');
  expect_all(other.block_device()->node, image_size, 'a');
  stop(one);
  expect_holds(one, image_size, 'a');
  stop(other);
  expect_holds(source, image_size, 'a');
}

TEST_P(ConformanceTest, an_origin_snapshot_begins_from_its_source_and_commits_for_itself) {
  const auto p = of_kind("os", true, true);
  if (!can(Capability::origin_snapshot_volumes))
    return expect_properties_refused(Capability::origin_snapshot_volumes, p);
  Volume& source = make_origin();
  commit(source, 'a');
  Volume& volume = make(p, &source);
  expect_all(start(volume), image_size, 'a');
  fill(volume.block_device()->node, image_size, 'x');
  stop(volume);
  expect_exports(volume, image_size, 'x');
  expect_holds(source, image_size, 'a');
  expect_holds(volume, image_size, 'a');
  // Cut off, it goes on with what it had.
  fill(start(volume), image_size, 'y');
  abandon(volume);
  EXPECT_TRUE(volume.is_dirty());
  expect_all(start(volume), image_size, 'y');
  stop(volume);
  EXPECT_FALSE(volume.is_dirty());
  keeps(Capability::origin_snapshot_volumes);
}

TEST_P(ConformanceTest, the_guest_writes_only_what_is_writable) {
  auto p = of_kind("v", false, false);
  if (!can(Capability::writable_volumes)) return expect_properties_refused(Capability::writable_volumes, p);
  p.rw = false;
  Volume& source = make_origin();
  auto ro_origin = origin_properties("ro"), ro_snapshot = of_kind("ros", true, false);
  ro_origin.rw = ro_snapshot.rw = false;
  for (Volume* volume : {&make(p), &make(ro_origin), &make(ro_snapshot, &source)}) {
    const auto device = volume->start().get().value();
    EXPECT_FALSE(device.rw);
    EXPECT_FALSE(volume->block_device()->rw);
    EXPECT_TRUE(kernel_refuses_writes(device.node));
    expect_all(device.node, image_size, 0);
    stop(*volume);
  }
  EXPECT_TRUE(source.start().get()->rw);
  stop(source);
  keeps(Capability::writable_volumes);
}

// --- Revisions

TEST_P(ConformanceTest, one_revision_is_gone_back_to_with_its_size_and_that_is_undone) {
  auto p = origin_properties();
  p.revisions_to_keep = 1;
  if (!can(Capability::one_revision)) return expect_properties_refused(Capability::one_revision, p);
  Volume& volume = make(p);
  commit(volume, 'a');
  volume.import_file(file_of("new", larger, 'b'), nullptr).get();
  ASSERT_EQ(volume.revisions().size(), 1u);
  EXPECT_LE(volume.revisions()[0].created, std::chrono::system_clock::now());
  for (const auto& [size, value] : {std::pair{image_size, 'a'}, {larger, 'b'}, {image_size, 'a'}}) {
    volume.revert(std::nullopt, nullptr).get();
    expect_holds(volume, size, value);
  }
  ASSERT_EQ(volume.revisions().size(), 1u);
  keeps(Capability::one_revision);
}

TEST_P(ConformanceTest, several_revisions_are_kept_oldest_first_and_each_can_be_gone_back_to) {
  auto p = origin_properties();
  p.revisions_to_keep = 3;
  if (!can(Capability::many_revisions)) return expect_properties_refused(Capability::many_revisions, p);
  Volume& volume = make(p);
  for (const char value : {'a', 'b', 'c', 'd', 'e'}) commit(volume, value);
  const auto kept = volume.revisions();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_LE(kept[0].created, kept[2].created);
  volume.revert(kept[0].id, nullptr).get();
  expect_holds(volume, image_size, 'b');
  volume.revert(volume.revisions().back().id, nullptr).get();
  keeps(Capability::many_revisions);
}

TEST_P(ConformanceTest, without_revisions_there_is_nothing_to_go_back_to) {
  if (!can(Capability::origin_volumes)) return;
  auto p = origin_properties();
  p.revisions_to_keep = 0;
  Volume& volume = make(p);
  commit(volume, 'a');
  commit(volume, 'b');
  EXPECT_TRUE(volume.revisions().empty());
  const auto error = error_of([&] { volume.revert(std::nullopt, nullptr).get(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->kind() == ErrorKind::not_found || error->kind() == ErrorKind::not_supported)
      << error->message();
  expect_holds(volume, image_size, 'b');
}

TEST_P(ConformanceTest, with_snapshots_off_the_guest_writes_the_state_itself) {
  auto p = origin_properties();
  p.revisions_to_keep = -1;
  if (!can(Capability::snapshots_off)) return expect_properties_refused(Capability::snapshots_off, p);
  Volume& volume = make(p);
  fill(start(volume), image_size, 'a');
  EXPECT_TRUE(volume.is_dirty());
  expect_error(ErrorKind::in_use, [&] { volume.begin_export().get(); });
  stop(volume);
  EXPECT_FALSE(volume.is_dirty());
  EXPECT_TRUE(volume.revisions().empty());
  expect_holds(volume, image_size, 'a');
  // Cut off, what was written stays, and the volume says that nobody ended it in order.
  fill(start(volume), image_size, 'b');
  abandon(volume);
  EXPECT_TRUE(volume.is_dirty());
  expect_holds(volume, image_size, 'b');
  keeps(Capability::snapshots_off);
}

}  // namespace
}  // namespace cowshed::test
