// SPDX-License-Identifier: Apache-2.0
// Warm layers of the `file` driver: whoever gets one cannot tell it from a layer made for it, nobody gets
// another's, and a commit leaves none that shows an older state. Further tests are in warm/.
#include <fmt/core.h>

#include "support/continuous_reader.h"
#include "support/warm_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;
using pools::WarmCounts;

INSTANTIATE_TEST_SUITE_P(, WarmTest, both_policies, policy_name);

TEST_P(WarmTest, a_start_takes_a_layer_that_stands_ready) {
  auto& root = warm_origin(3);
  EXPECT_EQ(refill(root, 1), 1u);
  EXPECT_EQ(refill(root), 2u);
  EXPECT_EQ(refill(root), 0u) << "it is full";
  const auto ready = warm_devices();
  EXPECT_EQ(ready.size(), 3u);
  auto& app = snapshot_of(root, "work");
  const Path node = start(app);
  expect_all(node, image_size, 'a');
  EXPECT_EQ(warm_devices().size(), 2u);
  EXPECT_EQ(counts(root).ready, 2u);
  EXPECT_EQ(counts(root).hits, 1u);
  EXPECT_EQ(counts(root).misses, 0u);
  EXPECT_TRUE(app.is_running());
  EXPECT_EQ(app.block_device()->node, node);
  stop(app);
  EXPECT_FALSE(app.is_running());
  drop(root);
  EXPECT_TRUE(warm_devices().empty());
}

TEST_P(WarmTest, a_warm_layer_has_the_table_and_the_names_of_one_made_for_its_volume) {
  auto& root = warm_origin(1);
  refill(root);
  auto &warm = snapshot_of(root, "warm"), &cold = snapshot_of(root, "cold");
  start(warm);
  start(cold);
  ASSERT_EQ(counts(root).hits, 1u);
  ASSERT_EQ(counts(root).misses, 1u);
  const auto describe = [&](const std::string& name) {
    for (const auto& device : layers::list_devices(control(), "COWSHED-")) {
      if (device.volume != "appvms:" + name + ":root") continue;
      const auto lines = control().table(device.uuid);
      auto table = dm::Snapshot::parse(lines.at(0).params);
      const auto loop = loop::info_of_device(table.cow.major, table.cow.minor).value();
      EXPECT_EQ(device.number, static_cast<std::uint64_t>(loop.number)) << "the UUID says which loop device";
      table.cow = {};
      const auto info = control().info(device.uuid).value();
      std::string text =
          fmt::format("{} {} {} direct {} autoclear {} read-only {}", device.name.str(),
                      lines[0].length.count, table.params(), loop.direct_io, loop.autoclear, info.read_only);
      return text.replace(text.find(name), name.size(), "VM");
    }
    return std::string("no such device");
  };
  EXPECT_EQ(describe("warm"), describe("cold"));
  stop(warm);
  stop(cold);
}

TEST_P(WarmTest, what_a_guest_has_written_is_seen_by_nobody_who_gets_a_layer_later) {
  auto& root = warm_origin(2);
  std::set<std::string> names;
  for (int round = 0; round < 6; ++round) {
    refill(root);
    auto& app = snapshot_of(root, fmt::format("app{}", round));
    const Path node = start(app);
    expect_all(node, image_size, 'a');
    fill(node, image_size, static_cast<char>('A' + round));
    expect_all(node, image_size, static_cast<char>('A' + round));
    stop(app);
  }
  EXPECT_EQ(counts(root).hits, 6u);
  drop(root);
}

TEST_P(WarmTest, all_of_it_can_be_rewritten_and_a_second_start_is_refused) {
  auto& root = warm_origin(3);
  refill(root);
  auto& app = snapshot_of(root, "work");
  const Path node = start(app);
  fill(node, image_size, 'w');
  const auto refusal = error_of([&] { start(app); });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::running);
  expect_all(node, image_size, 'w');
  stop(app);
  drop(root);
}

TEST_P(WarmTest, a_volume_that_the_guest_may_not_write_gets_none) {
  auto& root = warm_origin(1);
  refill(root);
  auto p = properties("appvms/reader/root");
  p.snap_on_start = true;
  p.rw = false;
  auto& reader = add(p, &root);
  EXPECT_TRUE(kernel_refuses_writes(start(reader)));
  EXPECT_EQ(counts(root).ready, 1u);
  EXPECT_EQ(counts(root).hits + counts(root).misses, 0u);
  stop(reader);
  drop(root);
}

// --- What the source goes through

TEST_P(WarmTest, a_start_during_a_session_takes_one_and_sees_what_was_committed) {
  auto& root = warm_origin(2);
  refill(root);
  fill(start(root), image_size, 'b');
  auto& app = snapshot_of(root, "work");
  expect_all(start(app), image_size, 'a');
  EXPECT_EQ(counts(root).hits, 1u);
  EXPECT_FALSE(app.is_outdated());
  stop(root);
  EXPECT_TRUE(app.is_outdated());
  expect_all(app.block_device()->node, image_size, 'a');
  EXPECT_EQ(counts(root).ready, 0u) << "they showed the state before";
  EXPECT_TRUE(warm_devices().empty());
  stop(app);
  refill(root);
  expect_all(start(app), image_size, 'b');
  EXPECT_EQ(counts(root).hits, 2u);
  stop(app);
  drop(root);
}

TEST_P(WarmTest, layers_made_during_a_session_are_of_the_committed_state_and_go_with_its_commit) {
  auto& root = warm_origin(2);
  fill(start(root), image_size, 'b');
  EXPECT_EQ(refill(root), 2u);
  auto& app = snapshot_of(root, "work");
  expect_all(start(app), image_size, 'a');
  stop(app);
  stop(root);
  EXPECT_TRUE(warm_devices().empty());
  EXPECT_EQ(count_views(), 0u) << "nothing holds the old state any more";
}

TEST_P(WarmTest, a_session_that_changed_nothing_leaves_the_stock) {
  auto& root = warm_origin(2);
  refill(root);
  start(root);
  stop(root);
  EXPECT_EQ(counts(root).ready, 2u);
  auto& app = snapshot_of(root, "work");
  expect_all(start(app), image_size, 'a');
  EXPECT_EQ(counts(root).hits, 1u);
  stop(app);
  drop(root);
}

TEST_P(WarmTest, what_changes_the_source_as_a_whole_throws_them_away) {
  auto& root = warm_origin(2);
  auto& app = snapshot_of(root, "work");
  const auto expect_new = [&](const std::string& what, Bytes size, char value) {
    SCOPED_TRACE(what);
    EXPECT_EQ(counts(root).ready, 0u);
    EXPECT_TRUE(warm_devices().empty());
    for (const bool is_warm : {false, true}) {
      if (is_warm) refill(root);
      expect_holds(app, size, value);
    }
    refill(root);
  };
  commit(root, 'b');
  refill(root);
  root.revert(std::nullopt, nullptr).get();
  expect_new("revert", image_size, 'a');

  root.import_file(file_of("new", image_size, 'i'), nullptr).get();
  expect_new("import", image_size, 'i');

  const Bytes larger = image_size + kibibytes(512);
  root.resize(larger, false, nullptr).get();
  EXPECT_EQ(counts(root).ready, 0u);
  EXPECT_EQ(app.size(), larger);
  refill(root);
  EXPECT_EQ(size_of(start(app)), larger);
  stop(app);

  root.resize(mebibytes(1), true, nullptr).get();
  expect_new("shrink", mebibytes(1), 'i');
  drop(root);
}

TEST_P(WarmTest, a_promotion_throws_them_away_and_what_keeps_its_changes_gets_none) {
  auto& root = warm_origin(2);
  refill(root);
  auto p = properties("appvms/keeper/root");
  p.snap_on_start = true;
  p.keep_changes = true;
  auto& keeper = add(p, &root);
  fill(start(keeper), image_size, 'k');
  EXPECT_EQ(counts(root).hits, 0u);
  stop(keeper);
  EXPECT_EQ(counts(root).ready, 2u);
  keeper.promote(nullptr).get();
  EXPECT_TRUE(warm_devices().empty());
  refill(root);
  auto& app = snapshot_of(root, "work");
  expect_holds(app, image_size, 'k');
  EXPECT_EQ(counts(root).hits, 1u);
  drop(root);
}

TEST_P(WarmTest, they_keep_nobody_from_removing_the_source_or_writing_it_without_snapshots) {
  auto& root = warm_origin(2);
  refill(root);
  auto p = root.properties();
  p.revisions_to_keep = -1;
  root.set_properties(p);
  fill(start(root), image_size, 'd');
  EXPECT_TRUE(warm_devices().empty());
  const auto refusal = error_of([&] { refill(root); });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::in_use);
  EXPECT_TRUE(warm_devices().empty());
  stop(root);
  refill(root);
  auto& app = snapshot_of(root, "work");
  expect_holds(app, image_size, 'd');
  EXPECT_NO_THROW(root.check_remove());
  refill(root);
  root.remove().get();
  EXPECT_TRUE(warm_devices().empty());
  EXPECT_EQ(count_views(), 0u);
  EXPECT_TRUE(error_of([&] { refill(root); }).has_value()) << "there is no image any more";
}

TEST_P(WarmTest, a_commit_beside_running_snapshots_keeps_their_bytes_and_takes_the_stock_away) {
  auto& root = warm_origin(2);
  refill(root);
  auto& app = snapshot_of(root, "work");
  ContinuousReader reader(start(app), image_size, 'a');
  for (const char value : {'b', 'c'}) {
    commit(root, value);
    refill(root);
    auto& later = snapshot_of(root, fmt::format("later{}", value));
    expect_holds(later, image_size, value);
  }
  EXPECT_TRUE(reader.saw_no_change());
  EXPECT_EQ(counts(root).hits, 3u);
  drop(root);
}

// --- How many

TEST_P(WarmTest, what_is_no_longer_wanted_goes_at_the_next_pass_and_is_not_handed_out_before) {
  auto& root = warm_origin(5);
  refill(root);
  set_warm(root, 2);
  EXPECT_EQ(refill(root), 0u);
  EXPECT_EQ(warm_devices().size(), 2u);
  set_warm(root, 0);
  auto& app = snapshot_of(root, "work");
  expect_all(start(app), image_size, 'a');
  EXPECT_EQ(counts(root).hits, 0u);
  stop(app);
  ASSERT_NE(root.warm_layers(), nullptr) << "there is something to take away";
  refill(root);
  EXPECT_TRUE(warm_devices().empty());
  EXPECT_EQ(count_views(), 0u);
  EXPECT_EQ(root.warm_layers(), nullptr);
}

}  // namespace
}  // namespace cowshed::test
