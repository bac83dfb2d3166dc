// SPDX-License-Identifier: Apache-2.0
// Conformance: starts, stops, and sessions that were cut off.
#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;
using pools::WritePolicy;

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

}  // namespace
}  // namespace cowshed::test
