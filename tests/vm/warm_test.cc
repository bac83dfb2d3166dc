// SPDX-License-Identifier: Apache-2.0
// Warm layers of the `file` driver: whoever gets one cannot tell it from a layer made for it, nobody gets
// another's, and a commit leaves none that shows an older state.
#include <fmt/core.h>
#include <sys/ioctl.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "dm/device.h"
#include "layers/base.h"
#include "support/continuous_reader.h"
#include "support/file_pool_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;
using pools::WarmCounts;

constexpr std::size_t no_limit = 1000;

class WarmTest : public EitherPolicyTest {
 protected:
  /// A template whose root was committed with `value` all over, which is to keep so many layers.
  Volume& warm_origin(int warm, char value = 'a') {
    Volume& root = origin("debian");
    commit(root, value);
    set_warm(root, warm);
    return root;
  }
  static void set_warm(Volume& volume, int warm) {
    auto p = volume.properties();
    p.warm = warm;
    volume.set_properties(p);
  }
  static std::size_t refill(Volume& volume, std::size_t at_most = no_limit) {
    const auto warm = volume.warm_layers();
    return warm ? warm->refill(at_most) : 0;
  }
  static WarmCounts counts(Volume& volume) {
    const auto warm = volume.warm_layers();
    return warm ? warm->counts() : WarmCounts{};
  }
  static void drop(Volume& volume) {
    if (const auto warm = volume.warm_layers()) warm->drop();
  }
  /// Names of the warm layers that the kernel has.
  std::vector<std::string> warm_devices() {
    std::vector<std::string> names;
    for (const auto& entry : control().list())
      if (layers::is_warm_name(entry.name)) names.push_back(entry.name);
    return names;
  }
};

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

// --- Threads

/// So many threads, each with its own number.
void in_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&body, i] {
      try {
        body(i);
      } catch (const std::exception& failure) {
        ADD_FAILURE() << "thread " << i << ": " << failure.what();
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_P(WarmTest, no_two_threads_get_the_same_layer) {
  constexpr int threads = 8, each = 3;
  // Not enough for all.
  auto& root = warm_origin(threads * each - 4);
  refill(root);
  std::vector<Volume*> apps;
  for (int i = 0; i < threads * each; ++i) apps.push_back(&snapshot_of(root, fmt::format("app{}", i)));
  std::vector<Path> nodes(apps.size());
  in_threads(threads, [&](int thread) {
    for (int i = thread * each; i < (thread + 1) * each; ++i) {
      const auto at = static_cast<std::size_t>(i);
      nodes[at] = start(*apps[at]);
      put(nodes[at], far_block, static_cast<char>('A' + i));
    }
  });
  EXPECT_EQ(std::set<Path>(nodes.begin(), nodes.end()).size(), nodes.size());
  for (std::size_t i = 0; i < apps.size(); ++i) {
    EXPECT_EQ(get(nodes[i], far_block), static_cast<char>('A' + static_cast<int>(i)));
    EXPECT_EQ(get(nodes[i], first_block), 'a');
  }
  const WarmCounts counted = counts(root);
  EXPECT_EQ(counted.hits, static_cast<std::uint64_t>(threads * each - 4));
  EXPECT_EQ(counted.misses, 4u);
  EXPECT_EQ(counted.ready, 0u);
  for (Volume* app : apps) stop(*app);
}

TEST_P(WarmTest, starts_that_race_with_commits_and_refills_see_one_committed_state_whole) {
  constexpr int threads = 3, commits = 12;
  auto& root = warm_origin(4, 'a');
  // What has surely been committed, and what perhaps has.
  std::atomic<char> committed = 'a', begun = 'a';
  std::atomic<bool> is_over = false;
  std::atomic<int> starts = 0, outdated = 0;
  std::vector<Volume*> apps;
  for (int i = 0; i < threads; ++i) apps.push_back(&snapshot_of(root, fmt::format("app{}", i)));
  std::thread refiller([&] {
    while (!is_over) {
      // A commit in between may refuse it.
      static_cast<void>(error_of([&] { refill(root); }));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  std::thread committer([&] {
    for (int i = 0; i < commits; ++i) {
      const Path node = start(root);
      fill(node, image_size, static_cast<char>(committed + 1));
      begun = static_cast<char>(committed + 1);
      root.stop({}).get();
      committed = begun.load();
    }
    is_over = true;
  });
  in_threads(threads, [&](int thread) {
    Volume& app = *apps[static_cast<std::size_t>(thread)];
    while (!is_over) {
      const char least = committed;
      Path node;
      // Where nobody runs and no revision is kept, a commit that goes on may refuse a start.
      const auto refusal = error_of([&] { node = start(app); });
      if (refusal) {
        EXPECT_EQ(refusal->kind(), ErrorKind::commit_pending) << refusal->message();
        continue;
      }
      const char most = begun;
      const char seen = get(node, first_block);
      EXPECT_GE(seen, least);
      EXPECT_LE(seen, most);
      expect_all(node, image_size, seen);
      put(node, far_block, '!');
      app.stop({}).get();
      ++starts;
      if (seen < most) ++outdated;
    }
  });
  committer.join();
  refiller.join();
  pool().finish();
  const WarmCounts counted = counts(root);
  fmt::print("{} starts, {} warm, {} cold, {} beside a commit\n", starts.load(), counted.hits, counted.misses,
             outdated.load());
  EXPECT_GT(counted.hits, 0u);
  EXPECT_EQ(committed, 'a' + commits);
  drop(root);
  expect_holds(root, image_size, static_cast<char>('a' + commits));
  EXPECT_TRUE(warm_devices().empty());
}

// --- Recovery

class WarmRecoveryTest : public WarmTest {
 protected:
  /// What a process leaves that ends without another word: layers that nobody keeps account of.
  void leave_warm(Volume& root, std::size_t count) {
    layers::Host other;
    pools::DriverContext context{other};
    const auto pool = pools::find_driver("file").make(
        {PoolName("test"), {{"dir_path", scratch().native()}}, std::nullopt}, context);
    const auto same = pool->volume(root.properties(), nullptr);
    ASSERT_EQ(refill(*same), count);
  }
  std::vector<std::string> recover(Volume& root, bool dry_run, Volume* app = nullptr) {
    std::vector<Volume*> volumes{&root};
    if (app != nullptr) volumes.push_back(app);
    const auto report = pool().recover(volumes, dry_run);
    EXPECT_TRUE(report.complete);
    return report.lines;
  }
};

INSTANTIATE_TEST_SUITE_P(, WarmRecoveryTest, both_policies, policy_name);

TEST_P(WarmRecoveryTest, removes_what_another_process_left_after_it_was_told) {
  auto& root = warm_origin(3);
  leave_warm(root, 3);
  const auto left = warm_devices();
  ASSERT_EQ(left.size(), 3u);
  const auto told = recover(root, true);
  EXPECT_EQ(warm_devices(), left) << "a dry run removes nothing";
  EXPECT_EQ(recover(root, false), told);
  EXPECT_TRUE(warm_devices().empty());
  EXPECT_EQ(count_views(), 0u);
  ASSERT_EQ(told.size(), 3u);
  for (const std::string& name : left)
    EXPECT_TRUE(std::ranges::any_of(told, [&](const auto& line) { return line.ends_with(name); })) << name;
}

TEST_P(WarmRecoveryTest, leaves_the_stock_of_this_very_process_alone) {
  auto& root = warm_origin(2);
  refill(root);
  EXPECT_TRUE(recover(root, true).empty());
  EXPECT_TRUE(recover(root, false).empty());
  auto& app = snapshot_of(root, "work");
  expect_holds(app, image_size, 'a');
  EXPECT_EQ(counts(root).hits, 1u);
  drop(root);
}

TEST_P(WarmRecoveryTest, leaves_alone_what_is_open) {
  auto& root = warm_origin(1);
  leave_warm(root, 1);
  const dm::DmName name(warm_devices().at(0));
  {
    const Fd held = open_direct(dm::node_of(control().info(name)->number), O_RDONLY);
    EXPECT_TRUE(recover(root, false).empty());
    EXPECT_TRUE(control().info(name).has_value());
  }
  recover(root, false);
  EXPECT_FALSE(control().info(name).has_value());
}

TEST_P(WarmRecoveryTest, removes_what_was_built_or_handed_out_by_half) {
  auto& root = warm_origin(1);
  leave_warm(root, 1);
  const layers::VolumeKey source(layers::id_of_directory(scratch()), PoolName("test"), root.properties().vid);
  const layers::VolumeKey app(layers::id_of_directory(scratch()), PoolName("test"), Vid("appvms/work/root"));
  control().set_uuid(dm::DmName(warm_devices().at(0)), app.uuid(layers::Role::snapshot, 5));
  control().create(source.warm_name(99));
  auto& work = snapshot_of(root, "work");
  EXPECT_FALSE(work.is_running()) << "it never got its name";
  EXPECT_EQ(recover(root, true, &work).size(), 2u);
  recover(root, false, &work);
  EXPECT_TRUE(control().list().empty());
}

TEST_P(WarmRecoveryTest, leaves_alone_what_only_bears_such_a_name) {
  auto& root = warm_origin(1);
  const layers::VolumeKey key(layers::id_of_directory(scratch()), PoolName("test"), root.properties().vid);
  const layers::VolumeKey other_pool(layers::id_of_directory("/"), PoolName("test"), root.properties().vid);
  const auto origin_disk = disk(mebibytes(1)), cow = disk(mebibytes(1));
  const auto snapshot = dm::whole_device(Sectors{2048}, dm::Snapshot{.origin = number_of(origin_disk),
                                                                     .cow = number_of(cow),
                                                                     .store = dm::ExceptionStore::transient,
                                                                     .chunk_size = Sectors{16}});
  const auto linear = dm::whole_device(Sectors{8}, dm::Linear{number_of(origin_disk), Sectors{0}});
  std::vector<dm::Device> others;
  const auto bring_up = [&](const dm::DmName& name, const dm::Table& table) {
    others.push_back(dm::Device::create(control(), name));
    others.back().load(table);
    others.back().resume();
  };
  bring_up(key.warm_name(97), snapshot);           // on no view of ours
  bring_up(key.warm_name(98), linear);             // another target
  bring_up(dm::DmName("COWSHED-warm-x"), linear);  // whose?
  bring_up(other_pool.warm_name(1), linear);
  EXPECT_TRUE(recover(root, true).empty());
  EXPECT_TRUE(recover(root, false).empty());
  EXPECT_EQ(warm_devices().size(), 4u);
}

// --- A kernel that refuses

/// Passes on to the real kernel, but refuses the n-th call that counts.
class RefusingPort : public dm::IoctlPort {
 public:
  int issue(unsigned long request, void* buffer) override {
    if (request == refused_ && countdown_ > 0 && --countdown_ == 0) {
      errno = ENOMEM;
      return -1;
    }
    return real_->issue(request, buffer);
  }
  void refuse(unsigned long request, int at) {
    refused_ = request;
    countdown_ = at;
  }
  [[nodiscard]] bool has_refused() const { return countdown_ == 0; }

 private:
  std::unique_ptr<dm::IoctlPort> real_ = dm::open_control_device();
  unsigned long refused_ = 0;
  int countdown_ = 0;
};

TEST_P(WarmTest, a_kernel_that_refuses_any_call_of_a_hand_out_gets_a_cold_start_or_a_clean_error) {
  auto owned = std::make_unique<RefusingPort>();
  RefusingPort& port = *owned;
  layers::Host host(std::move(owned));
  pools::DriverContext context{host};
  auto& root = warm_origin(2);
  const auto pool = pools::find_driver("file").make(
      {PoolName("test"), {{"dir_path", scratch().native()}}, std::nullopt}, context);
  const auto same_root = pool->volume(root.properties(), nullptr);
  auto p = properties("appvms/work/root");
  p.snap_on_start = true;
  const auto app = pool->volume(p, [&] { return same_root.get(); });
  int refused = 0, started = 0;
  for (const unsigned long request : {DM_DEV_CREATE, DM_TABLE_LOAD, DM_DEV_SUSPEND, DM_DEV_RENAME,
                                      DM_DEV_REMOVE, DM_TABLE_STATUS, DM_LIST_DEVICES, DM_DEV_STATUS}) {
    for (int at = 1;; ++at) {
      SCOPED_TRACE(fmt::format("request {:#x}, call {}", request, at));
      refill(*same_root);
      ASSERT_EQ(warm_devices().size(), 2u);
      port.refuse(request, at);
      const auto refusal = error_of([&] { start(*app); });
      const bool is_hit = port.has_refused();
      port.refuse(0, 0);
      refused += refusal ? 1 : 0;
      if (!refusal) {
        ++started;
        expect_all(app->block_device()->node, image_size, 'a');
        app->stop({}).get();
      }
      pool->finish();
      EXPECT_FALSE(app->is_running());
      if (!is_hit) break;
    }
  }
  fmt::print("{} starts, {} refused\n", started, refused);
  EXPECT_GT(started, refused);
  drop(*same_root);
  EXPECT_TRUE(control().list().empty());
}

TEST_P(WarmTest, a_kernel_that_refuses_any_call_of_a_refill_leaves_nothing_half_made) {
  auto owned = std::make_unique<RefusingPort>();
  RefusingPort& port = *owned;
  layers::Host host(std::move(owned));
  pools::DriverContext context{host};
  auto& root = warm_origin(2);
  const auto pool = pools::find_driver("file").make(
      {PoolName("test"), {{"dir_path", scratch().native()}}, std::nullopt}, context);
  const auto same_root = pool->volume(root.properties(), nullptr);
  int refused = 0;
  for (const unsigned long request : {DM_DEV_CREATE, DM_TABLE_LOAD, DM_DEV_SUSPEND, DM_DEV_REMOVE,
                                      DM_TABLE_STATUS, DM_LIST_DEVICES, DM_DEV_STATUS}) {
    for (int at = 1;; ++at) {
      SCOPED_TRACE(fmt::format("request {:#x}, call {}", request, at));
      port.refuse(request, at);
      const auto refusal = error_of([&] { refill(*same_root); });
      const bool is_hit = port.has_refused();
      port.refuse(0, 0);
      refused += refusal ? 1 : 0;
      EXPECT_EQ(warm_devices().size(), counts(*same_root).ready) << "each is one that can be handed out";
      EXPECT_NO_THROW(refill(*same_root));
      EXPECT_EQ(counts(*same_root).ready, 2u);
      drop(*same_root);
      EXPECT_TRUE(control().list().empty());
      if (!is_hit) break;
    }
  }
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace cowshed::test
