// SPDX-License-Identifier: Apache-2.0
// Conformance: export, import, sizes, and what belongs to some drivers only.
#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;

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
  roles.reserve(layers.size());
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

}  // namespace
}  // namespace cowshed::test
