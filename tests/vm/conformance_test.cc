// SPDX-License-Identifier: Apache-2.0
// One suite for every driver: each row of the storage model, each promise, each refusal. Drivers differ by
// their capabilities and by nothing else.
#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;
using pools::WritePolicy;

constexpr Bytes larger = mebibytes(6);

// --- The four kinds

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

// --- Sessions

class SessionConformance : public ConformanceTest {
 protected:
  Properties with(WritePolicy policy) {
    auto p = origin_properties();
    p.write_policy = policy;
    return p;
  }
  /// What was written before a session was cut off is still there, and its own commit makes it the state.
  void expect_cut_off_is_continued(Volume& volume) {
    commit(volume, 'a');
    fill(start(volume), image_size, 'b');
    EXPECT_TRUE(volume.is_dirty());
    abandon(volume);
    EXPECT_FALSE(volume.is_running());
    EXPECT_TRUE(volume.is_dirty());
    expect_all(start(volume), image_size, 'b');
    stop(volume);
    EXPECT_FALSE(volume.is_dirty());
    expect_holds(volume, image_size, 'b');
  }
};

TEST_P(SessionConformance, in_place_a_session_that_was_cut_off_is_continued_and_cannot_be_discarded) {
  const auto p = with(WritePolicy::in_place);
  if (!can(Capability::in_place)) return expect_properties_refused(Capability::in_place, p);
  Volume& volume = make(p);
  expect_cut_off_is_continued(volume);
  start(volume);
  put(volume.block_device()->node, first_block, 'x');
  expect_error(ErrorKind::not_supported, [&] { volume.check_stop({.discard = true, .progress = {}}); });
  stop(volume);
  keeps(Capability::in_place);
}

TEST_P(SessionConformance, with_an_overlay_a_session_is_continued_or_discarded) {
  const auto p = with(WritePolicy::overlay);
  if (!can(Capability::overlay)) return expect_properties_refused(Capability::overlay, p);
  Volume& volume = make(p);
  expect_cut_off_is_continued(volume);
  fill(start(volume), image_size, 'c');
  discard(volume);
  EXPECT_FALSE(volume.is_dirty());
  expect_holds(volume, image_size, 'b');
  // Nor does it have to be started for that, once it was cut off.
  fill(start(volume), image_size, 'd');
  abandon(volume);
  stop(volume);
  EXPECT_TRUE(volume.is_dirty());
  discard(volume);
  EXPECT_FALSE(volume.is_dirty());
  expect_holds(volume, image_size, 'b');
  keeps(Capability::overlay);
}

TEST_P(SessionConformance, whatever_the_policy_a_session_that_was_cut_off_is_continued) {
  if (!can(Capability::origin_volumes)) return;
  expect_cut_off_is_continued(make_origin());
}

TEST_P(SessionConformance, a_volume_starts_once_and_stops_as_often_as_asked) {
  if (!can(Capability::origin_volumes)) return;
  Volume& source = make_origin();
  for (Volume* volume : {&source, &make_snapshot(source), &make_volatile()}) {
    EXPECT_FALSE(volume->is_running());
    stop(*volume);
    start(*volume);
    EXPECT_TRUE(volume->is_running());
    expect_error(ErrorKind::running, [&] { volume->start().get(); });
    EXPECT_TRUE(volume->is_running());
    stop(*volume);
    stop(*volume);
    EXPECT_FALSE(volume->is_running());
  }
}

TEST_P(SessionConformance, what_a_start_is_refused_for_is_told_beforehand_and_nothing_is_begun) {
  if (!can(Capability::origin_volumes)) {
    if (!any_volume().holds_device()) expect_error(ErrorKind::not_found, [&] { any_volume().check_start(); });
    return;
  }
  Volume& source = make_origin();
  commit(source, 'a');
  Volume &snapshot = make_snapshot(source), &scratch = make_volatile();
  const std::vector<Volume*> all = {&source, &snapshot, &scratch};
  for (Volume* volume : all) volume->check_start();
  for (Volume* volume : all) start(*volume);
  for (Volume* volume : all) expect_error(ErrorKind::running, [&] { volume->check_start(); });
  for (Volume* volume : all) stop(*volume);
  for (Volume* volume : all) volume->check_start();
  EXPECT_FALSE(source.is_dirty());
  fill(start(source), image_size, 'b');
  abandon(source);
  source.check_start();
  EXPECT_TRUE(source.is_dirty());
  expect_all(start(source), image_size, 'b');
  stop(source);
  unlink_if_exists(source.paths().path);
  for (Volume* volume : {&source, &snapshot}) {
    expect_error(ErrorKind::not_found, [&] { volume->check_start(); });
    EXPECT_FALSE(volume->is_running());
  }
}

TEST_P(SessionConformance, while_the_guest_holds_the_device_a_stop_is_refused_and_changes_nothing) {
  if (!can(Capability::origin_volumes)) return;
  Volume& source = make_origin();
  for (Volume* volume : {&source, &make_snapshot(source), &make_volatile()}) {
    const Path node = start(*volume);
    {
      const Fd held = open_file(node, O_RDWR);
      expect_error(ErrorKind::in_use, [&] { volume->check_stop({}); });
      expect_error(ErrorKind::in_use, [&] { volume->stop({}).get(); });
      EXPECT_TRUE(volume->is_running());
      put(node, first_block, 'x');
      EXPECT_EQ(get(node, first_block), 'x');
    }
    stop(*volume);
    EXPECT_FALSE(volume->is_running());
  }
}

TEST_P(SessionConformance, another_process_sees_what_runs_and_stops_it) {
  if (!can(Capability::origin_volumes)) return;
  Volume& source = make_origin();
  fill(start(source), image_size, 'a');
  Volume& other = seen_by_another_process(source);
  EXPECT_TRUE(other.is_running());
  EXPECT_EQ(other.block_device()->node, source.block_device()->node);
  stop(other);
  EXPECT_FALSE(source.is_running());
  expect_holds(source, image_size, 'a');
}

TEST_P(SessionConformance, block_device_tells_of_a_volume_whether_it_runs_or_not) {
  if (!can(Capability::origin_volumes)) return;
  Volume& source = make_origin();
  for (Volume* volume : {&source, &make_snapshot(source), &make_volatile()}) {
    const auto stopped = volume->block_device();
    ASSERT_TRUE(stopped.has_value());
    EXPECT_EQ(stopped->name, "root");
    EXPECT_TRUE(stopped->node.empty());
    const auto started = volume->start().get();
    const auto running = volume->block_device();
    ASSERT_TRUE(started && running);
    EXPECT_EQ(running->node, started->node);
    EXPECT_EQ(running->major, started->major);
    EXPECT_EQ(running->minor, started->minor);
    EXPECT_TRUE(running->rw);
    stop(*volume);
  }
}

// --- Life

TEST_P(ConformanceTest, a_volume_is_created_once_and_a_second_time_touches_nothing) {
  if (!can(Capability::origin_volumes)) return;
  Volume& volume = make_origin();
  commit(volume, 'a');
  expect_error(ErrorKind::exists, [&] { volume.create({}).get(); });
  expect_holds(volume, image_size, 'a');
}

TEST_P(ConformanceTest, an_image_becomes_the_first_state) {
  if (!can(Capability::origin_volumes)) return;
  const Path image = file_of("image", image_size, 'i');
  Volume& volume = add(origin_properties());
  volume.create({.image = image, .from = nullptr, .progress = nullptr}).get();
  expect_holds(volume, image_size, 'i');
}

TEST_P(ConformanceTest, a_volume_may_be_larger_than_the_image_that_it_is_made_from) {
  if (!can(Capability::origin_volumes)) return;
  constexpr Bytes of_image = mebibytes(1);
  static_assert(of_image < image_size);
  Volume& volume = add(origin_properties());
  volume.create({.image = file_of("image", of_image, 'i'), .from = nullptr, .progress = nullptr}).get();
  EXPECT_EQ(volume.size(), image_size);
  {
    const Fd node = open_direct(start(volume), O_RDONLY);
    EXPECT_EQ(read_block(node, Bytes{}, of_image), 'i');
    EXPECT_EQ(read_block(node, of_image, image_size - of_image), 0);
  }
  stop(volume);
}

TEST_P(ConformanceTest, size_zero_is_refused) {
  if (!can(Capability::origin_volumes)) return;
  auto p = origin_properties();
  p.size = {};
  expect_error(ErrorKind::invalid_argument, [&] { pool().check(p); });
}

TEST_P(ConformanceTest, what_runs_is_not_removed_and_what_is_gone_is_no_error) {
  if (!can(Capability::origin_volumes)) return;
  Volume& source = make_origin();
  commit(source, 'a');
  for (Volume* volume : {&make_snapshot(source), &make_volatile(), &source}) {
    start(*volume);
    expect_error(ErrorKind::running, [&] { volume->check_remove(); });
    expect_error(ErrorKind::running, [&] { volume->remove().get(); });
    EXPECT_TRUE(volume->is_running());
    stop(*volume);
    volume->remove().get();
    volume->remove().get();
  }
  expect_error(ErrorKind::not_found, [&] { source.verify(); });
}

TEST_P(ConformanceTest, verify_is_content_with_what_is_sound_and_names_the_file_that_is_missing) {
  if (!can(Capability::origin_volumes)) return;
  Volume& volume = make_origin();
  commit(volume, 'a');
  volume.verify();
  const Path image = volume.paths().path;
  ASSERT_TRUE(path_exists(image));
  unlink_if_exists(image);
  const auto error = error_of([&] { volume.verify(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_NE(error->message().find(image.native()), std::string::npos) << error->message();
}

TEST_P(ConformanceTest, usage_follows_what_is_written_and_size_what_can_be) {
  if (!can(Capability::origin_volumes)) return;
  Volume& volume = make_origin();
  EXPECT_EQ(volume.size(), image_size);
  EXPECT_LT(volume.usage(), mebibytes(1));
  commit(volume, 'a');
  EXPECT_GE(volume.usage(), mebibytes(4));
  EXPECT_EQ(volume.size(), image_size);
  const auto size = pool().size(), usage = pool().usage();
  ASSERT_TRUE(size && usage);
  EXPECT_LE(*usage, *size);
}

TEST_P(ConformanceTest, after_a_clean_stop_there_is_nothing_to_recover) {
  if (!can(Capability::origin_volumes)) return;
  Volume &source = make_origin(), &snapshot = make_snapshot(source), &scratch = make_volatile();
  for (Volume* volume : {&source, &snapshot, &scratch}) start(*volume);
  for (Volume* volume : {&scratch, &snapshot, &source}) stop(*volume);
  const std::vector<Volume*> all = {&source, &snapshot, &scratch};
  const auto report = pool().recover(all, true);
  EXPECT_TRUE(report.complete);
  EXPECT_TRUE(report.lines.empty()) << report.lines.front();
}

TEST_P(ConformanceTest, recovery_leaves_alone_what_runs) {
  if (!can(Capability::origin_volumes)) return;
  Volume &source = make_origin(), &snapshot = make_snapshot(source);
  commit(source, 'a');
  start(snapshot);
  fill(snapshot.block_device()->node, image_size, 's');
  fill(start(source), image_size, 'b');
  const std::vector<Volume*> all = {&source, &snapshot};
  EXPECT_TRUE(pool().recover(all, false).complete);
  expect_all(source.block_device()->node, image_size, 'b');
  expect_all(snapshot.block_device()->node, image_size, 's');
  stop(snapshot);
  stop(source);
  expect_holds(source, image_size, 'b');
}

// --- Content as a whole

TEST_P(ConformanceTest, an_export_is_the_committed_state_also_while_the_volume_runs_and_commits) {
  if (!can(Capability::export_))
    return expect_refused(Capability::export_, [&] { any_volume().begin_export().get(); });
  Volume& volume = make_origin();
  commit(volume, 'a');
  const auto exported = volume.begin_export().get();
  fill(start(volume), image_size, 'b');
  expect_all(exported->path(), image_size, 'a');
  expect_exports(volume, image_size, 'a');
  stop(volume);
  expect_all(exported->path(), image_size, 'a');
  EXPECT_EQ(exported->size(), image_size);
  exported->end();
  expect_exports(volume, image_size, 'b');
  expect_error(ErrorKind::not_supported, [&] { make_volatile().begin_export().get(); });
  expect_error(ErrorKind::not_supported, [&] { make_snapshot(volume).begin_export().get(); });
  keeps(Capability::export_);
}

TEST_P(ConformanceTest, an_import_replaces_content_and_size_or_nothing) {
  const auto import_into = [](Volume& volume, const Path& file) { volume.import_file(file, nullptr).get(); };
  if (!can(Capability::import))
    return expect_refused(Capability::import, [&] { import_into(any_volume(), "/dev/null"); });
  Volume& volume = make_origin();
  commit(volume, 'a');
  const Path file = file_of("new", larger, 'n'), empty = file_of("empty", {}, 0);
  EXPECT_TRUE(error_of([&] { import_into(volume, empty); }).has_value());
  EXPECT_TRUE(error_of([&] { import_into(volume, scratch() / "missing"); }).has_value());
  expect_holds(volume, image_size, 'a');
  start(volume);
  expect_error(ErrorKind::running, [&] { import_into(volume, file); });
  put(volume.block_device()->node, first_block, 'x');
  abandon(volume);
  expect_error(ErrorKind::dirty, [&] { import_into(volume, file); });
  start(volume);
  stop(volume);
  import_into(volume, file);
  expect_holds(volume, larger, 'n');

  Volume& other = make_origin("other");
  other.import_volume(volume, nullptr).get();
  expect_holds(other, larger, 'n');
  keeps(Capability::import);
}

TEST_P(ConformanceTest, running_snapshots_keep_content_and_size_while_their_source_is_imported_into) {
  if (!can(Capability::import) || !can(Capability::snapshot_volumes)) return;
  Volume& source = make_origin();
  commit(source, 'a');
  Volume& snapshot = make_snapshot(source);
  start(snapshot);
  source.import_file(file_of("new", larger, 'n'), nullptr).get();
  expect_all(snapshot.block_device()->node, image_size, 'a');
  EXPECT_TRUE(snapshot.is_outdated());
  stop(snapshot);
  expect_holds(snapshot, larger, 'n');
}

TEST_P(ConformanceTest, a_stopped_volume_grows_by_zeros) {
  const auto grow = [](Volume& volume) { volume.resize(larger, false, nullptr).get(); };
  if (!can(Capability::grow)) return expect_refused(Capability::grow, [&] { grow(any_volume()); });
  Volume& volume = make_origin();
  commit(volume, 'a');
  grow(volume);
  EXPECT_EQ(volume.size(), larger);
  const Path node = start(volume);
  EXPECT_EQ(size_of(node), larger);
  EXPECT_EQ(get(node, first_block), 'a');
  EXPECT_EQ(get(node, mebibytes(5)), 0);
  stop(volume);
  keeps(Capability::grow);
}

TEST_P(ConformanceTest, a_running_volume_grows_under_its_guest) {
  const auto grow = [](Volume& volume) { volume.resize(larger, false, nullptr).get(); };
  if (!can(Capability::grow_running)) {
    Volume& volume = any_volume();
    if (volume.holds_device()) start(volume);
    expect_refused(Capability::grow_running, [&] { grow(volume); });
    return stop(volume);
  }
  Volume& volume = make_origin();
  commit(volume, 'a');
  Volume& snapshot = make_snapshot(volume);
  start(snapshot);
  const Path node = start(volume);
  const Fd held = open_direct(node, O_RDWR);
  grow(volume);
  EXPECT_EQ(size_of(node), larger);
  write_block(held, mebibytes(5), 'z');
  EXPECT_EQ(get(node, mebibytes(5)), 'z');
  EXPECT_EQ(get(node, first_block), 'a');
  expect_all(snapshot.block_device()->node, image_size, 'a');
  const_cast<Fd&>(held).reset();
  stop(volume);
  stop(snapshot);
  EXPECT_EQ(volume.size(), larger);
  keeps(Capability::grow_running);
}

TEST_P(ConformanceTest, a_volume_shrinks_only_when_asked_and_stopped) {
  const Bytes smaller = mebibytes(2);
  const auto shrink = [smaller](Volume& volume, bool is_asked) {
    volume.resize(smaller, is_asked, nullptr).get();
  };
  if (!can(Capability::shrink))
    return expect_refused(Capability::shrink, [&] { shrink(any_volume(), true); });
  Volume& volume = make_origin();
  commit(volume, 'a');
  expect_error(ErrorKind::invalid_argument, [&] { shrink(volume, false); });
  start(volume);
  EXPECT_TRUE(error_of([&] { shrink(volume, true); }).has_value());
  stop(volume);
  EXPECT_EQ(volume.size(), image_size);
  shrink(volume, true);
  expect_holds(volume, smaller, 'a');
  keeps(Capability::shrink);
}

TEST_P(ConformanceTest, what_a_snapshot_kept_becomes_its_sources_state) {
  auto p = of_kind("a", true, false);
  p.keep_changes = true;
  if (!can(Capability::keep_changes)) return expect_properties_refused(Capability::keep_changes, p);
  Volume& source = make_origin();
  commit(source, 'a');
  Volume& snapshot = make(p, &source);
  fill(start(snapshot), image_size, 's');
  stop(snapshot);
  snapshot.promote(nullptr).get();
  expect_holds(source, image_size, 's');
  keeps(Capability::keep_changes);
}

TEST_P(ConformanceTest, a_stop_of_what_does_not_run_leaves_what_was_kept_whatever_it_asks_for) {
  if (!can(Capability::keep_changes)) return;
  auto p = of_kind("a", true, false);
  p.keep_changes = true;
  Volume& source = make_origin();
  commit(source, 'a');
  Volume& snapshot = make(p, &source);
  fill(start(snapshot), image_size, 's');
  stop(snapshot);
  stop(snapshot);
  discard(snapshot);
  snapshot.promote(nullptr).get();
  expect_holds(source, image_size, 's');
  // Of what runs, it is dropped.
  start(snapshot);
  discard(snapshot);
  expect_error(ErrorKind::not_found, [&] { snapshot.promote(nullptr).get(); });
}

TEST_P(ConformanceTest, the_layers_of_an_ephemeral_volume_are_told_top_first) {
  if (!can(Capability::ephemeral)) return;
  auto p = of_kind("v", false, false);
  p.ephemeral = true;
  Volume& volume = make(p);
  const Path node = start(volume);
  const auto layers = volume.layers();
  std::vector<std::string> roles;
  for (const auto& layer : layers) roles.push_back(layer.role);
  EXPECT_EQ(roles, (std::vector<std::string>{"ephemeral", "zero", "crypt", "cow"}));
  EXPECT_EQ(layers.front().node, node);
  EXPECT_EQ(layers.front().size, image_size);
  EXPECT_EQ(layers.front().stands_on.size(), 2U);
  stop(volume);
  EXPECT_TRUE(volume.layers().empty());
}

TEST_P(ConformanceTest, a_session_is_held_at_its_cow_limit_and_goes_on_when_it_is_raised) {
  auto p = of_kind("a", true, false);
  p.cow_limit = mebibytes(1);
  if (!can(Capability::cow_limit)) return expect_properties_refused(Capability::cow_limit, p);
  Volume& source = make_origin();
  expect_error(ErrorKind::not_supported, [&] { start(make(p, &source)); });
  host().set_guarded(true);
  p = of_kind("b", true, false);
  p.cow_limit = mebibytes(1);
  Volume& snapshot = make(p, &source);
  pool().begin_guard({});
  const Path node = start(snapshot);
  fill(node, mebibytes(1), 's');
  pool().guard();
  EXPECT_TRUE(snapshot.is_held());
  p.cow_limit = mebibytes(4);
  snapshot.set_properties(p);
  pool().guard();
  EXPECT_FALSE(snapshot.is_held());
  fill(node, mebibytes(2), 's');
  stop(snapshot);
  keeps(Capability::cow_limit);
}

TEST_P(ConformanceTest, an_ephemeral_volume_leaves_nothing_to_read) {
  auto p = of_kind("v", false, false);
  p.ephemeral = true;
  if (!can(Capability::ephemeral)) return expect_properties_refused(Capability::ephemeral, p);
  Volume& volume = make(p);
  for (const char value : {'a', 'b'}) {
    const Path node = start(volume);
    expect_all(node, image_size, 0);
    fill(node, image_size, value);
    expect_all(node, image_size, value);
    stop(volume);
  }
  keeps(Capability::ephemeral);
}

TEST_P(ConformanceTest, what_stands_ready_is_the_committed_state_and_handed_out_once) {
  auto p = origin_properties();
  p.warm = 2;
  if (!can(Capability::warm)) return expect_properties_refused(Capability::warm, p);
  Volume& source = make(p);
  const auto warm = source.warm_layers();
  ASSERT_NE(warm, nullptr);
  std::uint64_t hits = 0;
  for (const char value : {'a', 'b'}) {
    commit(source, value);
    EXPECT_EQ(warm->counts().ready, 0u);
    EXPECT_EQ(warm->refill(1), 1u);
    EXPECT_EQ(warm->refill(5), 1u);
    EXPECT_EQ(warm->refill(5), 0u);
    for (const char* name : {"one", "other"}) {
      Volume& snapshot = make_snapshot(source, name);
      expect_all(start(snapshot), image_size, value);
      fill(snapshot.block_device()->node, image_size, 'x');
      stop(snapshot);
      EXPECT_EQ(warm->counts().hits, ++hits);
    }
    EXPECT_EQ(warm->refill(5), 2u);
  }
  warm->drop();
  EXPECT_EQ(warm->counts().ready, 0u);
  expect_holds(source, image_size, 'b');
  keeps(Capability::warm);
}

// --- Who conforms

Subject of(const std::string& driver, const std::string& file_system = "") {
  return {driver + (file_system.empty() ? "" : " on " + file_system),
          [driver]() -> const pools::Driver& { return pools::find_driver(driver); }, file_system};
}

const pools::Driver& example() { return pools::load_plugin(COWSHED_PLUGINS "/copies.so"); }

const auto subjects = testing::Values(of("file"), of("file-reflink", "xfs"), of("file-reflink", "btrfs"),
                                      Subject{"copies (plug-in)", example, ""}, of("linux-kernel"));

std::string subject_name(const testing::TestParamInfo<Subject>& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return c == '(' || c == ')'; });
  std::ranges::replace_if(
      name, [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Drivers, ConformanceTest, subjects, subject_name);
INSTANTIATE_TEST_SUITE_P(Drivers, SessionConformance, subjects, subject_name);

}  // namespace
}  // namespace cowshed::test
