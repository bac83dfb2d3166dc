// SPDX-License-Identifier: Apache-2.0
// The `file` driver on a real device-mapper: the promises of each kind of volume.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "dm/device.h"
#include "layers/base.h"
#include "loop/loop.h"
#include "support/continuous_reader.h"
#include "support/file_pool_fixture.h"

namespace cowshed::test {
namespace {

TEST_P(EitherPolicyTest, what_an_origin_volume_holds_survives_its_stop) {
  auto& root = origin("debian");
  put(start(root), far_block, 'a');
  EXPECT_TRUE(root.is_dirty());
  stop(root);
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(get(start(root), far_block), 'a');
  EXPECT_FALSE(root.is_dirty()) << "reading makes nothing dirty";
  stop(root);
}

TEST_P(EitherPolicyTest, a_snapshot_sees_the_state_before_the_sources_own_session) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  stop(root);
  put(start(root), first_block, 'b');
  auto& app = snapshot_of(root, "work");
  const Path node = start(app);
  EXPECT_EQ(get(node, first_block), 'a');
  put(root.block_device()->node, far_block, 'c');
  EXPECT_EQ(get(node, far_block), 0);
  stop(app);
  stop(root);
}

TEST_P(EitherPolicyTest, a_commit_is_seen_by_a_snapshot_only_after_its_own_restart) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  const Path node = start(app);
  put(start(root), first_block, 'b');
  EXPECT_FALSE(app.is_outdated());
  stop(root);
  EXPECT_TRUE(app.is_outdated());
  EXPECT_EQ(get(node, first_block), 0);
  stop(app);
  EXPECT_EQ(get(start(app), first_block), 'b');
  EXPECT_FALSE(app.is_outdated());
  stop(app);
}

TEST_P(EitherPolicyTest, what_a_snapshot_writes_is_seen_by_nobody_and_gone_after_its_stop) {
  auto& root = origin("debian");
  auto& one = snapshot_of(root, "one");
  auto& two = snapshot_of(root, "two");
  put(start(one), first_block, 'x');
  EXPECT_EQ(get(one.block_device()->node, first_block), 'x');
  EXPECT_EQ(get(start(two), first_block), 0);
  stop(one);
  EXPECT_EQ(get(start(one), first_block), 0);
  EXPECT_EQ(get(start(root), first_block), 0);
  for (auto* volume : {&one, &two, &root}) stop(*volume);
}

TEST_F(FilePoolTest, a_volatile_volume_is_empty_at_each_start) {
  auto& volume = add(properties("appvms/work/volatile"));
  volume.create({}).get();
  for (int i = 0; i < 2; ++i) {
    const Path node = start(volume);
    EXPECT_EQ(get(node, first_block), 0);
    put(node, first_block, 'v');
    stop(volume);
    EXPECT_FALSE(path_exists(volume.paths().path));
  }
}

TEST_P(EitherPolicyTest, an_interrupted_session_goes_on_while_snapshots_see_the_committed_state) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  stop(root);
  put(start(root), first_block, 'b');
  root.abandon().get();
  EXPECT_FALSE(root.is_running());
  EXPECT_TRUE(root.is_dirty());
  auto& app = snapshot_of(root, "work");
  EXPECT_EQ(get(start(app), first_block), 'a');
  const Path node = start(root);
  EXPECT_EQ(get(node, first_block), 'b');
  put(node, far_block, 'c');
  EXPECT_EQ(get(app.block_device()->node, far_block), 0);
  stop(root);
  EXPECT_EQ(get(app.block_device()->node, first_block), 'a');
  stop(app);
  EXPECT_EQ(get(start(app), far_block), 'c');
  stop(app);
}

TEST_P(EitherPolicyTest, a_session_that_changed_nothing_keeps_the_last_revision) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  stop(root);
  ASSERT_EQ(root.revisions().size(), 1u);
  const Path revision = root.paths().path_cow.native() + ".old";
  const auto kept = stat_if_exists(revision)->id;
  start(root);
  stop(root);
  EXPECT_EQ(stat_if_exists(revision)->id, kept);
  EXPECT_FALSE(path_exists(root.paths().path_cow));
  put(start(root), first_block, 'b');
  stop(root);
  EXPECT_NE(stat_if_exists(revision)->id, kept);
}

TEST_P(EitherPolicyTest, without_revisions_a_commit_leaves_only_the_image) {
  auto& root = origin("debian", 0);
  put(start(root), first_block, 'a');
  stop(root);
  EXPECT_TRUE(root.revisions().empty());
  EXPECT_FALSE(path_exists(root.paths().path_cow));
}

TEST_P(EitherPolicyTest, a_running_snapshot_reads_the_same_bytes_while_its_source_starts_writes_and_commits) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  ContinuousReader reader(start(app), image_size);
  for (char generation = 1; generation <= 5; ++generation) {
    const Path node = start(root);
    for (Bytes at; at < mebibytes(4); at = at + kibibytes(128)) put(node, at, generation);
    stop(root);
  }
  EXPECT_TRUE(reader.saw_no_change());
  // The reader must let go of the device before the snapshot can be stopped.
}

TEST_P(EitherPolicyTest, all_of_a_volume_can_be_rewritten_in_a_session_and_as_a_snapshot) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  const Path nodes[] = {start(app), start(root)};
  for (const Path& node : nodes) {
    const Fd fd = open_direct(node, O_RDWR);
    for (Bytes at; at < image_size; at = at + Bytes{512}) write_block(fd, at, 'w', Bytes{512});
    for (Bytes at; at < image_size; at = at + Bytes{512}) ASSERT_EQ(read_block(fd, at, Bytes{512}), 'w');
  }
  auto& later = snapshot_of(root, "later");
  const Path later_node = start(later);
  for (Bytes at; at + kibibytes(4) <= image_size; at = at + kibibytes(4)) ASSERT_EQ(get(later_node, at), 0);
  for (auto* volume : {&app, &later, &root}) stop(*volume);
  EXPECT_NO_THROW(root.verify());
}

TEST_P(EitherPolicyTest, fifty_commits_under_one_running_snapshot_leave_two_views_and_not_a_byte_changed) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "longrunning");
  const Path node = start(app);
  for (int commit = 1; commit <= 50; ++commit) {
    const Path writing = start(root);
    put(writing, first_block, static_cast<char>(commit));
    put(writing, kibibytes(64) * static_cast<std::uint64_t>(commit), 'x');
    stop(root);
    ASSERT_LE(count_views(), 2u) << "after commit " << commit;
  }
  for (Bytes at; at + kibibytes(4) <= image_size; at = at + kibibytes(4)) ASSERT_EQ(get(node, at), 0);
  auto& later = snapshot_of(root, "later");
  EXPECT_EQ(get(start(later), first_block), 50);
  for (auto* volume : {&app, &later}) stop(*volume);
}

/// As udev does, and whoever else looks at what there is: it stays in the page cache of each node.
void read_all_loop_devices() {
  for (const auto& loop : loop::list()) {
    const Path node = loop::Loop::open(loop.number).path();
    const Fd fd = open_file(node, O_RDONLY);
    std::vector<char> buffer(mebibytes(1).count);
    while (::read(fd.get(), buffer.data(), buffer.size()) > 0) {
    }
  }
}

TEST_P(EitherPolicyTest, a_folded_view_is_right_whatever_was_read_of_the_loop_devices_before) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "app");
  const Path node = start(app);
  const auto block_of = [](int session) { return kibibytes(64) * static_cast<std::uint64_t>(session); };
  for (int session = 1; session <= 4; ++session) {
    const Path writing = start(root);
    read_all_loop_devices();
    put(writing, block_of(session), static_cast<char>(session));
    stop(root);
    read_all_loop_devices();
  }
  ASSERT_LE(count_views(), 2u) << "they were not folded";
  for (int session = 1; session <= 4; ++session) EXPECT_EQ(get(node, block_of(session)), 0);
  stop(app);
}

TEST_P(EitherPolicyTest, more_generations_in_use_than_the_bound_are_refused_naming_who_holds_them) {
  auto& root = origin("debian");
  std::vector<pools::Volume*> apps;
  std::optional<Error> refusal;
  char value = 0;
  while (!refusal && apps.size() <= layers::max_views) {
    apps.push_back(&snapshot_of(root, "app" + std::to_string(apps.size())));
    start(*apps.back());
    refusal = error_of([&] {
      put(start(root), first_block, ++value);
      stop(root);
    });
  }
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::in_use);
  EXPECT_NE(refusal->message().find("appvms/app3/root"), std::string::npos) << refusal->message();
  for (std::size_t i = 0; i < apps.size(); ++i)
    EXPECT_EQ(get(apps[i]->block_device()->node, first_block), static_cast<char>(i));
  // One who lets go makes room: the views between those in use are folded.
  stop(*apps[3]);
  if (!root.is_running()) start(root);
  put(root.block_device()->node, first_block, 'z');
  stop(root);
  for (std::size_t i = 0; i < apps.size(); ++i) {
    if (i != 3) {
      EXPECT_EQ(get(apps[i]->block_device()->node, first_block), static_cast<char>(i));
      stop(*apps[i]);
    }
  }
  EXPECT_EQ(get(start(root), first_block), 'z');
  stop(root);
}

TEST_P(EitherPolicyTest, generations_are_each_seen_by_those_who_started_on_them) {
  auto& root = origin("debian");
  std::vector<pools::Volume*> apps;
  for (char generation = 0; generation < 6; ++generation) {
    apps.push_back(&snapshot_of(root, "app" + std::to_string(int{generation})));
    start(*apps.back());
    put(start(root), first_block, static_cast<char>(generation + 1));
    stop(root);
  }
  // The middle ones first: views below and above stay right.
  for (const std::size_t index : {3u, 0u, 5u, 1u}) {
    stop(*apps[index]);
    apps[index] = nullptr;
    for (std::size_t i = 0; i < apps.size(); ++i) {
      if (apps[i] == nullptr) continue;
      EXPECT_EQ(get(apps[i]->block_device()->node, first_block), static_cast<char>(i));
    }
  }
  for (auto* app : apps)
    if (app) stop(*app);
}

TEST_P(EitherPolicyTest, the_kernel_refuses_writes_to_a_read_only_volume_of_any_kind) {
  auto& root = origin("debian");
  auto p = properties("appvms/work/root");
  p.rw = false;
  auto volatile_properties = p;
  volatile_properties.vid = Vid("appvms/work/volatile");
  auto origin_properties = p;
  origin_properties.vid = Vid("vm-templates/debian2/root");
  origin_properties.save_on_stop = true;
  p.snap_on_start = true;
  for (auto* volume : {&add(p, &root), &add(volatile_properties), &add(origin_properties)}) {
    volume->create({}).get();
    const auto stopped = volume->block_device().value();
    EXPECT_TRUE(stopped.node.empty());
    EXPECT_FALSE(stopped.rw);
    const Path node = start(*volume);
    EXPECT_FALSE(volume->block_device()->rw);
    EXPECT_EQ(get(node, first_block), 0);
    EXPECT_TRUE(kernel_refuses_writes(node));
    stop(*volume);
  }
}

TEST_P(EitherPolicyTest, a_volume_is_not_stopped_while_its_device_is_open) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  auto& scratch_volume = add(properties("appvms/work/volatile"));
  for (auto* volume : {&root, &app, &scratch_volume}) {
    const Path node = start(*volume);
    {
      const Fd guest = open_direct(node, O_RDWR);
      expect_error(ErrorKind::in_use, [&] { volume->stop({}).get(); });
      EXPECT_TRUE(volume->is_running());
      write_block(guest, first_block, 'g');
    }
    stop(*volume);
    EXPECT_FALSE(volume->is_running());
    EXPECT_NO_THROW(stop(*volume)) << "a stop is idempotent";
  }
}

TEST_P(EitherPolicyTest, a_volume_does_not_start_twice) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  auto& scratch_volume = add(properties("appvms/work/volatile"));
  for (auto* volume : {&root, &app, &scratch_volume}) {
    put(start(*volume), first_block, 'r');
    expect_error(ErrorKind::running, [&] { volume->start().get(); });
    EXPECT_EQ(get(volume->block_device()->node, first_block), 'r');
    stop(*volume);
  }
}

TEST_P(EitherPolicyTest, an_image_with_a_foreign_loop_device_is_refused) {
  auto& root = origin("debian");
  const Path image = root.paths().path;
  const auto foreign = loop::Loop::attach(open_file(image, O_RDWR), image, {});
  const auto refusal = error_of([&] { start(root); });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::in_use);
  EXPECT_NE(refusal->message().find("losetup -d"), std::string::npos) << refusal->message();
  EXPECT_FALSE(path_exists(root.paths().path_cow));
  expect_error(ErrorKind::in_use, [&] { start(snapshot_of(root, "work")); });
}

TEST_P(EitherPolicyTest, a_loop_device_that_goes_with_its_last_reader_is_waited_for) {
  auto& root = origin("debian");
  const Path image = root.paths().path;
  // As of a session that has just ended, while somebody lists all loop devices.
  auto leaving = loop::Loop::attach(open_file(image, O_RDWR), image, {.autoclear = true});
  std::thread reader([loop = std::move(leaving)]() mutable {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    loop.keep();
  });
  EXPECT_NO_THROW(root.check_start());
  reader.join();
  put(start(root), first_block, 'w');
  EXPECT_EQ(get(root.block_device()->node, first_block), 'w');
  stop(root);
}

TEST_F(FilePoolTest, with_snapshots_off_source_and_snapshots_exclude_each_other) {
  auto& root = origin("debian", -1);
  auto& app = snapshot_of(root, "work");
  start(app);
  expect_error(ErrorKind::in_use, [&] { start(root); });
  EXPECT_FALSE(root.is_dirty());
  stop(app);
  put(start(root), first_block, 'd');
  EXPECT_TRUE(root.is_dirty());
  expect_error(ErrorKind::in_use, [&] { start(app); });
  root.abandon().get();
  EXPECT_TRUE(root.is_dirty());
  start(root);
  stop(root);
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(get(start(app), first_block), 'd');
  stop(app);
}

TEST_P(EitherPolicyTest,
       what_was_cut_off_with_snapshots_off_counts_as_clean_after_a_commit_with_snapshots_on) {
  auto& root = origin("debian", -1);
  put(start(root), first_block, 'd');
  root.abandon().get();
  auto p = root.properties();
  p.revisions_to_keep = 1;
  root.set_properties(p);
  EXPECT_TRUE(root.is_dirty());
  put(start(root), far_block, 'e');
  stop(root);
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(get(start(root), first_block), 'd');
  stop(root);
}

TEST_F(FilePoolTest, a_damaged_base_cow_is_refused_and_kept) {
  auto& root = origin("debian");
  put(start(root), first_block, 'a');
  root.abandon().get();
  const Path cow = root.paths().path_cow;
  write_all(open_file(cow, O_WRONLY), "garbage", cow);
  expect_error(ErrorKind::corrupt_image, [&] { start(root); });
  expect_error(ErrorKind::corrupt_image, [&] { root.verify(); });
  EXPECT_TRUE(path_exists(cow));
}

TEST_P(EitherPolicyTest, removing_a_volume_with_running_snapshots_is_refused) {
  auto& root = origin("debian");
  auto& app = snapshot_of(root, "work");
  start(app);
  expect_error(ErrorKind::in_use, [&] { root.remove().get(); });
  expect_error(ErrorKind::running, [&] { app.remove().get(); });
  stop(app);
  root.remove().get();
  EXPECT_FALSE(path_exists(scratch() / "vm-templates"));
}

TEST_F(FilePoolTest, a_start_with_snapshots_off_that_fails_keeps_the_state_before_the_interrupted_session) {
  auto& root = origin("debian");
  for (const char value : {'a', 'b'}) {
    put(start(root), first_block, value);
    if (value == 'a') stop(root);
  }
  root.abandon().get();
  const layers::BaseFiles files(scratch() / root.properties().vid.str());
  // So that it cannot be unlinked.
  std::filesystem::remove(files.revision());
  std::filesystem::create_directory(files.revision());
  auto p = root.properties();
  p.revisions_to_keep = -1;
  root.set_properties(p);
  EXPECT_ANY_THROW(start(root));
  std::filesystem::remove(files.revision());
  auto& app = snapshot_of(root, "work");
  EXPECT_EQ(get(start(app), first_block), 'a');
  stop(app);
}

INSTANTIATE_TEST_SUITE_P(, EitherPolicyTest, both_policies, policy_name);

}  // namespace
}  // namespace cowshed::test
