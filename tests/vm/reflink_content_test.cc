// SPDX-License-Identifier: Apache-2.0
// The file-reflink driver: what changes or hands out a volume as a whole, on XFS and btrfs; and the check of
// the file system.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <future>

#include "base/undo.h"
#include "support/process.h"
#include "support/reflink_pool_fixture.h"

namespace cowshed::test {
namespace {

class ReflinkContentTest : public ReflinkPoolTest {
 protected:
  pools::Volume& committed_origin(const std::string& name, char value,
                                  std::optional<int> revisions = std::nullopt) {
    auto& volume = origin(name, revisions);
    commit(volume, value);
    return volume;
  }
  static void import_file(pools::Volume& volume, const Path& file) {
    volume.import_file(file, nullptr).get();
  }
  static void resize(pools::Volume& volume, Bytes size, bool shrink = false) {
    volume.resize(size, shrink, nullptr).get();
  }
  static Bytes free_space() {
    run_program({"sync"});
    struct statvfs fs {};
    ::statvfs(MountedFileSystem::directory().c_str(), &fs);
    return {fs.f_bfree * fs.f_frsize};
  }
};

// --- Revert

TEST_P(ReflinkContentTest, a_revert_goes_back_to_any_revision_and_can_be_undone) {
  auto& root = origin("debian", 5);
  for (const char value : {'a', 'b', 'c', 'd'}) commit(root, value);
  const auto revisions = root.revisions();
  ASSERT_EQ(revisions.size(), 4u);
  revert(root, revisions[1].id);
  expect_holds(root, image_size, 'a');
  EXPECT_EQ(count_revisions(root), 4u) << "one went, one came";
  revert(root);
  expect_holds(root, image_size, 'd');
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, a_revert_of_one_revision_is_undone_by_the_next) {
  auto& root = committed_origin("debian", 'a', 1);
  commit(root, 'b');
  for (const char value : {'a', 'b', 'a'}) {
    revert(root);
    EXPECT_EQ(count_revisions(root), 1u);
    expect_holds(root, image_size, value);
  }
}

TEST_P(ReflinkContentTest, a_revision_brings_a_volume_back_whose_image_is_lost) {
  auto& root = committed_origin("debian", 'a', 2);
  commit(root, 'b');
  unlink_if_exists(root.paths().path);
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, a_session_that_is_not_committed_takes_no_revision_away) {
  auto& root = committed_origin("debian", 'a', 3);
  for (const char value : {'b', 'c'}) commit(root, value);
  auto& fewer = again(root, 0);
  start(fewer);
  stop(fewer);
  put(start(fewer), first_block, 'x');
  discard(fewer);
  EXPECT_EQ(count_revisions(root), 3u);
  commit(fewer, 'd');
  EXPECT_EQ(count_revisions(root), 0u);
}

TEST_P(ReflinkContentTest, a_revert_brings_the_size_back) {
  auto& root = committed_origin("debian", 'a');
  import_file(root, file_of("new", mebibytes(6), 'n'));
  expect_holds(root, mebibytes(6), 'n');
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, a_revert_is_refused_without_that_revision_running_or_dirty) {
  auto& root = committed_origin("debian", 'a', 0);
  expect_error(ErrorKind::not_found, [&] { revert(root); });
  auto& kept = committed_origin("kept", 'a');
  const auto error = error_of([&] { revert(kept, "9@2026-01-01T00:00:00Z"); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_NE(error->message().find(kept.revisions()[0].id), std::string::npos) << error->message();
  fill(start(kept), image_size, 'b');
  expect_error(ErrorKind::running, [&] { revert(kept); });
  kept.abandon().get();
  expect_error(ErrorKind::dirty, [&] { revert(kept); });
  stop(kept);
  expect_error(ErrorKind::not_supported, [&] { revert(snapshot_of(kept, "work")); });
  discard(kept);
  expect_holds(kept, image_size, 'a');
}

// --- Import and export

TEST_P(ReflinkContentTest, an_import_replaces_content_and_size) {
  auto& root = committed_origin("debian", 'a');
  import_file(root, file_of("new", Bytes{(6u << 20) + 100}, 'n'));
  EXPECT_EQ(root.size(), (Bytes{(6u << 20) + 512}));
  EXPECT_EQ(count_revisions(root), 1u);
  auto& from = committed_origin("from", 'f');
  fill(start(from), image_size, 'g');
  root.import_volume(from, nullptr).get();
  expect_holds(root, image_size, 'f');
  stop(from);
}

TEST_P(ReflinkContentTest, an_import_and_a_clone_from_a_volume_of_the_pool_copy_no_data) {
  auto& from = committed_origin("from", 'a', 0);
  import_file(from, file_of("large", mebibytes(48), 'l'));
  auto& to = origin("to", 0);
  const Bytes before = free_space();
  to.import_volume(from, nullptr).get();
  auto p = properties("appvms/clone/root");
  p.save_on_stop = true;
  auto& clone = add(p);
  clone.create({.image = {}, .from = &from, .progress = {}}).get();
  // XFS gives back in the background what was deleted before: there may be more than before, too.
  EXPECT_LE(before, free_space() + mebibytes(8));
  for (auto* volume : {&to, &clone}) expect_all(volume->paths().path, mebibytes(48), 'l');
}

TEST_P(ReflinkContentTest, an_import_that_fails_or_is_ended_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  const auto before = files_in("vm-templates/debian");
  expect_error(ErrorKind::invalid_argument, [&] { import_file(root, file_of("empty", Bytes{0}, 'n')); });
  expect_error(ErrorKind::not_found, [&] { import_file(root, scratch() / "missing"); });
  expect_error(ErrorKind::invalid_argument, [&] { root.import_volume(root, nullptr).get(); });
  expect_error(ErrorKind::not_supported,
               [&] { root.import_volume(snapshot_of(root, "work"), nullptr).get(); });
  expect_error(ErrorKind::interrupted, [&] {
    root.import_file(file_of("new", mebibytes(6), 'n'),
                     [](const pools::Progress&) { throw Error(ErrorKind::interrupted, "enough"); })
        .get();
  });
  EXPECT_EQ(files_in("vm-templates/debian"), before);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, an_import_for_which_there_is_no_room_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  const auto before = files_in("vm-templates/debian");
  // Data that no file system can share with: from a pipe.
  expect_error(ErrorKind::no_space, [&] {
    const Path pipe = scratch() / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
      ::execlp("sh", "sh", "-c", ("head -c 900M /dev/urandom > " + pipe.native() + " 2>/dev/null").c_str(),
               nullptr);
      ::_exit(1);
    }
    const Undo at_the_end([&] { ::waitpid(writer, nullptr, 0); });
    import_file(root, pipe);
  });
  EXPECT_EQ(files_in("vm-templates/debian"), before);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, an_export_is_the_committed_state_whatever_the_volume_does_meanwhile) {
  auto& root = committed_origin("debian", 'a');
  const auto stopped = root.begin_export().get();
  commit(root, 'b');
  fill(start(root), image_size, 'c');
  const auto running = root.begin_export().get();
  expect_all(running->path(), image_size, 'b');
  stop(root);
  import_file(root, file_of("new", mebibytes(6), 'n'));
  resize(root, mebibytes(7));
  for (const auto& [exported, value] : {std::pair{&stopped, 'a'}, std::pair{&running, 'b'}}) {
    EXPECT_EQ((*exported)->size(), image_size);
    expect_all((*exported)->path(), image_size, value);
    (*exported)->end();
  }
}

TEST_P(ReflinkContentTest, an_export_tells_where_there_is_data) {
  auto& root = origin("debian");
  put(start(root), far_block, 'a');
  stop(root);
  const auto exported = root.begin_export().get();
  ASSERT_EQ(exported->data().size(), 1u);
  EXPECT_LE(exported->data()[0].source, far_block);
  EXPECT_LE(exported->data()[0].length, kibibytes(64));
}

TEST_P(ReflinkContentTest, what_holds_no_state_is_not_exported) {
  auto& root = origin("debian");
  expect_error(ErrorKind::not_supported, [&] { (void)snapshot_of(root, "work").begin_export(); });
  expect_error(ErrorKind::not_supported, [&] { (void)volatile_volume("work").begin_export(); });
}

// --- Size

TEST_P(ReflinkContentTest, a_volume_grows_stopped_and_running) {
  auto& root = committed_origin("debian", 'a');
  resize(root, mebibytes(6));
  const Path node = start(root);
  EXPECT_EQ(size_of(node), mebibytes(6));
  const Fd held = open_direct(node, O_RDWR);
  resize(root, mebibytes(9));
  EXPECT_EQ(size_of(node), mebibytes(9));
  EXPECT_EQ(root.size(), mebibytes(9));
  write_block(held, mebibytes(8), 'z');
  EXPECT_EQ(read_block(held, mebibytes(7)), 0);
  EXPECT_EQ(read_block(held, first_block), 'a');
}

TEST_P(ReflinkContentTest, a_size_that_a_running_session_got_outlives_its_discard) {
  auto& root = committed_origin("debian", 'a');
  start(root);
  resize(root, mebibytes(9));
  discard(root);
  EXPECT_EQ(root.size(), mebibytes(9));
  EXPECT_EQ(size_of(root.paths().path), mebibytes(9));
}

TEST_P(ReflinkContentTest, a_grow_is_no_write) {
  auto& root = committed_origin("debian", 'a');
  const auto revisions = count_revisions(root);
  resize(root, mebibytes(6));
  EXPECT_FALSE(root.is_dirty());
  const Path node = start(root);
  resize(root, mebibytes(9));
  EXPECT_FALSE(root.is_dirty());
  EXPECT_EQ(size_of(node), mebibytes(9));
  stop(root);
  EXPECT_EQ(count_revisions(root), revisions);
  EXPECT_EQ(root.size(), mebibytes(9));
}

TEST_P(ReflinkContentTest, what_was_written_before_and_after_a_grow_counts) {
  auto& root = committed_origin("debian", 'a');
  put(start(root), first_block, 'b');
  resize(root, mebibytes(6));
  EXPECT_TRUE(root.is_dirty());
  stop(root);
  const Path node = start(root);
  EXPECT_EQ(get(node, first_block), 'b');
  resize(root, mebibytes(9));
  put(node, mebibytes(8), 'c');
  EXPECT_TRUE(root.is_dirty());
  stop(root);
  EXPECT_EQ(get(start(root), mebibytes(8)), 'c');
  stop(root);
}

TEST_P(ReflinkContentTest, what_is_written_while_it_grows_counts) {
  auto& root = committed_origin("debian", 'a');
  for (char value = 'b'; value < 'r'; ++value) {
    const Path node = start(root);
    auto writer = std::async(std::launch::async, [&] { put(node, first_block, value); });
    resize(root, root.size() + kibibytes(64));
    writer.get();
    EXPECT_TRUE(root.is_dirty());
    stop(root);
    ASSERT_EQ(read_block(open_file(root.paths().path, O_RDONLY), first_block), value);
  }
}

TEST_P(ReflinkContentTest, a_running_snapshot_keeps_its_size_when_its_source_grows) {
  auto& root = committed_origin("debian", 'a');
  auto& work = snapshot_of(root, "work");
  const Path node = start(work);
  resize(root, mebibytes(9));
  EXPECT_EQ(work.size(), image_size);
  expect_all(node, image_size, 'a');
  stop(work);
  EXPECT_EQ(work.size(), mebibytes(9));
  expect_error(ErrorKind::not_supported, [&] { resize(work, mebibytes(10)); });
}

TEST_P(ReflinkContentTest, a_volatile_volume_grows_while_it_runs) {
  auto& scrap = volatile_volume("work");
  const Path node = start(scrap);
  resize(scrap, mebibytes(9));
  EXPECT_EQ(size_of(node), mebibytes(9));
  stop(scrap);
}

TEST_P(ReflinkContentTest, with_snapshots_off_it_grows_while_it_runs) {
  auto& root = origin("debian", -1);
  const Path node = start(root);
  resize(root, mebibytes(9));
  put(node, mebibytes(8), 'z');
  stop(root);
  EXPECT_EQ(root.size(), mebibytes(9));
}

TEST_P(ReflinkContentTest, a_volume_shrinks_only_stopped_and_when_asked_to_and_can_be_reverted) {
  auto& root = committed_origin("debian", 'a');
  expect_error(ErrorKind::invalid_argument, [&] { resize(root, mebibytes(1)); });
  start(root);
  expect_error(ErrorKind::running, [&] { resize(root, mebibytes(1), true); });
  stop(root);
  resize(root, mebibytes(1), true);
  expect_holds(root, mebibytes(1), 'a');
  revert(root);
  expect_holds(root, image_size, 'a');
}

// --- Promote

TEST_P(ReflinkContentTest, kept_changes_become_the_committed_state_after_a_stop) {
  auto& root = committed_origin("debian", 'a');
  auto& work = keeping_snapshot_of(root, "work");
  put(start(work), far_block, 'w');
  stop(work);
  promote(work);
  EXPECT_EQ(files_in("appvms/work"), std::set<std::string>{});
  const Path node = start(root);
  EXPECT_EQ(get(node, far_block), 'w');
  EXPECT_EQ(get(node, first_block), 'a');
  stop(root);
  revert(root);
  expect_holds(root, image_size, 'a');
}

TEST_P(ReflinkContentTest, a_running_snapshot_is_promoted_as_it_is_also_over_newer_states) {
  auto& root = committed_origin("debian", 'a');
  auto& work = keeping_snapshot_of(root, "work");
  const Path node = start(work);
  put(node, far_block, 'w');
  commit(root, 'b');
  EXPECT_TRUE(work.is_outdated());
  promote(work);
  EXPECT_EQ(get(node, far_block), 'w');
  put(node, far_block, 'x');
  const Path promoted = start(root);
  EXPECT_EQ(get(promoted, far_block), 'w');
  EXPECT_EQ(get(promoted, first_block), 'a');
  stop(root);
  stop(work);
  revert(root);
  expect_holds(root, image_size, 'b');
}

TEST_P(ReflinkContentTest, kept_changes_are_good_until_the_source_is_written) {
  auto& root = committed_origin("debian", 'a');
  auto& work = keeping_snapshot_of(root, "work");
  put(start(work), far_block, 'w');
  commit(root, 'b');
  stop(work);
  commit(root, 'c');
  expect_error(ErrorKind::in_use, [&] { promote(work); });
  auto& off = again(root, -1);
  put(start(work), far_block, 'w');
  stop(work);
  commit(off, 'd');
  expect_error(ErrorKind::in_use, [&] { promote(work); });
  expect_holds(root, image_size, 'd');
}

TEST_P(ReflinkContentTest, a_snapshot_that_wrote_nothing_still_brings_the_state_back_that_it_saw) {
  auto& root = committed_origin("debian", 'a', 2);
  auto& work = keeping_snapshot_of(root, "work");
  start(work);
  commit(root, 'b');
  stop(work);
  promote(work);
  expect_holds(root, image_size, 'a');
  revert(root);
  expect_holds(root, image_size, 'b');
}

TEST_P(ReflinkContentTest, a_refused_start_leaves_the_kept_changes) {
  auto& root = committed_origin("debian", 'a', -1);
  auto& work = keeping_snapshot_of(root, "work");
  put(start(work), far_block, 'w');
  stop(work);
  start(root);
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { start(work); });
  start(root);
  stop(root);
  promote(work);
  EXPECT_EQ(get(start(root), far_block), 'w');
  stop(root);
}

TEST_P(ReflinkContentTest, a_promotion_is_refused_for_what_it_is_not_for) {
  auto& root = committed_origin("debian", 'a');
  expect_error(ErrorKind::not_supported, [&] { promote(root); });
  expect_error(ErrorKind::invalid_argument, [&] { promote(snapshot_of(root, "plain")); });
  auto& work = keeping_snapshot_of(root, "work");
  expect_error(ErrorKind::not_found, [&] { promote(work); });
  put(start(work), far_block, 'w');
  put(start(root), far_block, 'r');
  expect_error(ErrorKind::running, [&] { promote(work); });
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { promote(work); });
  discard(root);
  discard(work);
  expect_error(ErrorKind::not_found, [&] { promote(work); });
}

TEST_P(ReflinkContentTest, a_promotion_of_nothing_is_no_commit) {
  auto& root = committed_origin("debian", 'a', 3);
  const auto before = files_in("vm-templates/debian");
  auto& work = keeping_snapshot_of(root, "work");
  start(work);
  promote(work);
  stop(work);
  promote(work);
  EXPECT_EQ(files_in("vm-templates/debian"), before);
}

INSTANTIATE_TEST_SUITE_P(On, ReflinkContentTest, sharing_file_systems, file_system_name);

// --- The file system

class SetupCheckTest : public FilePoolTest {};

TEST_F(SetupCheckTest, a_file_system_that_cannot_share_extents_is_refused_with_what_to_do) {
  const Path directory = scratch() / "pool";
  const auto pool = make_pool(pools::find_driver("file-reflink"),
                              {{"dir_path", directory.native()}, {"setup_check", "true"}});
  const auto error = error_of([&] { pool->setup().get(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_supported);
  for (const char* word : {"mkfs.xfs", "mkfs.btrfs", "setup_check=false"})
    EXPECT_NE(error->message().find(word), std::string::npos) << error->message();
  EXPECT_FALSE(path_exists(directory));
}

class CopyingReflinkTest : public FilePoolTest {
 protected:
  [[nodiscard]] std::string driver() const override { return "file-reflink"; }
  [[nodiscard]] std::optional<pools::WritePolicy> policy() const override { return std::nullopt; }
  [[nodiscard]] pools::Parameters parameters() const override { return {{"setup_check", "false"}}; }
};

TEST_F(CopyingReflinkTest, without_the_check_whole_images_are_copied_and_stay_sparse) {
  auto& root = origin("debian", 2);
  put(start(root), far_block, 'a');
  stop(root);
  auto& work = snapshot_of(root, "work");
  const Path node = start(work);
  EXPECT_EQ(get(node, far_block), 'a');
  EXPECT_LE(stat_if_exists(work.paths().path_cow)->allocated, kibibytes(64));
  put(start(root), first_block, 'b');
  stop(root);
  EXPECT_EQ(get(node, first_block), 0);
  EXPECT_TRUE(work.is_outdated());
  stop(work);
  EXPECT_EQ(root.revisions().size(), 2u);
  root.revert(std::nullopt, nullptr).get();
  const Path reverted = start(root);
  EXPECT_EQ(get(reverted, first_block), 0);
  EXPECT_EQ(get(reverted, far_block), 'a');
  stop(root);
}

}  // namespace
}  // namespace cowshed::test
