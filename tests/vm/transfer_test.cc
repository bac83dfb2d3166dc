// SPDX-License-Identifier: Apache-2.0
// Import, export, and what is created from another volume.
#include "io/copy.h"
#include "support/content_fixture.h"

namespace cowshed::test {
namespace {

class TransferTest : public ContentTest {
 protected:
  static void import_file(pools::Volume& volume, const Path& file) {
    volume.import_file(file, nullptr).get();
  }
  static void import_volume(pools::Volume& volume, pools::Volume& from) {
    volume.import_volume(from, nullptr).get();
  }
  static std::shared_ptr<pools::Export> hold(pools::Volume& volume) {
    return {volume.begin_export().get().release(), [](pools::Export* held) {
              held->end();
              delete held;
            }};
  }
  void expect_exported(const pools::Export& exported, Bytes size, char value) {
    EXPECT_EQ(exported.size(), size);
    expect_all(exported.path(), size, value);
  }
};

TEST_P(TransferTest, an_import_replaces_content_and_size_and_can_be_undone) {
  auto& root = committed_origin("debian", 'a');
  import_file(root, file_of("new", mebibytes(6), 'n'));
  expect_holds(root, mebibytes(6), 'n');
  revert(root);
  expect_holds(root, image_size, 'a');
  revert(root);
  expect_holds(root, mebibytes(6), 'n');
  import_file(root, file_of("small", kibibytes(96), 's'));
  expect_holds(root, kibibytes(96), 's');
  revert(root);
  expect_holds(root, mebibytes(6), 'n');
}

TEST_P(TransferTest, an_input_that_is_no_whole_number_of_sectors_is_filled_up_with_zeros) {
  auto& root = origin("debian");
  import_file(root, file_of("new", Bytes{1000}, 'n'));
  EXPECT_EQ(root.size(), Bytes{1024});
  const Path node = start(root);
  EXPECT_EQ(read_block(open_direct(node, O_RDONLY), Bytes{0}, Bytes{512}), 'n');
  stop(root);
}

TEST_P(TransferTest, holes_of_the_input_stay_holes) {
  auto& root = origin("debian", 0);
  const Path sparse = scratch() / "sparse";
  const Fd fd = create_sparse(sparse, mebibytes(64));
  write_block(fd, mebibytes(32), 'x');
  import_file(root, sparse);
  EXPECT_LE(stat_if_exists(root.paths().path)->allocated, kibibytes(64));
  EXPECT_EQ(get(start(root), mebibytes(32)), 'x');
  stop(root);
}

TEST_P(TransferTest, an_input_that_cannot_be_imported_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  expect_error(ErrorKind::invalid_argument, [&] { import_file(root, file_of("empty", Bytes{0}, 'n')); });
  expect_error(ErrorKind::not_found, [&] { import_file(root, scratch() / "missing"); });
  EXPECT_TRUE(error_of([&] { import_file(root, scratch()); }).has_value()) << "a directory";
  expect_error(ErrorKind::invalid_argument, [&] { import_volume(root, root); });
  expect_error(ErrorKind::not_supported, [&] { import_volume(root, snapshot_of(root, "work")); });
  expect_error(ErrorKind::not_supported,
               [&] { import_file(snapshot_of(root, "other"), file_of("new", kibibytes(4), 'n')); });
  expect_holds(root, image_size, 'a');
}

TEST_P(TransferTest, an_import_that_is_ended_by_its_watch_changes_nothing) {
  auto& root = committed_origin("debian", 'a');
  const Path file = file_of("new", mebibytes(6), 'n');
  expect_error(ErrorKind::interrupted, [&] {
    root.import_file(file, [](const pools::Progress&) { throw Error(ErrorKind::interrupted, "enough"); })
        .get();
  });
  expect_holds(root, image_size, 'a');
  EXPECT_FALSE(path_exists(root.paths().path.parent_path() / "root-import.img.new"));
}

TEST_P(TransferTest, running_or_dirty_an_import_is_refused) {
  auto& root = origin("debian");
  const Path file = file_of("new", kibibytes(4), 'n');
  fill(start(root), image_size, 'a');
  expect_error(ErrorKind::running, [&] { import_file(root, file); });
  root.abandon().get();
  expect_error(ErrorKind::dirty, [&] { import_file(root, file); });
  expect_holds(root, image_size, 'a');
}

TEST_P(TransferTest, running_snapshots_see_no_changed_byte_while_their_source_is_imported_into) {
  auto& root = origin("debian");
  expect_unseen_by_snapshots(root, [&] {
    import_file(root, file_of("new", mebibytes(6), 'n'));
    auto& later = snapshot_of(root, "later");
    expect_all(start(later), mebibytes(6), 'n');
    commit(root, 'c');
    expect_all(later.block_device()->node, mebibytes(6), 'n');
    stop(later);
  });
  expect_holds(root, mebibytes(6), 'c');
}

TEST_P(TransferTest, the_committed_state_of_another_volume_is_imported_also_while_that_runs) {
  auto& from = committed_origin("from", 'a');
  fill(start(from), image_size, 'b');
  auto& to = origin("to");
  resize(to, mebibytes(16));
  import_volume(to, from);
  expect_holds(to, image_size, 'a');
  stop(from);
  import_volume(to, from);
  expect_holds(to, image_size, 'b');
}

TEST_P(TransferTest, an_export_is_the_committed_state_whatever_the_volume_does_meanwhile) {
  auto& root = committed_origin("debian", 'a');
  {
    const auto stopped = hold(root);
    expect_exported(*stopped, image_size, 'a');
    commit(root, 'b');
    expect_exported(*stopped, image_size, 'a');
    fill(start(root), image_size, 'c');
    const auto running = hold(root);
    expect_exported(*running, image_size, 'b');
    stop(root);
    expect_exported(*running, image_size, 'b');
    expect_exported(*stopped, image_size, 'a');
    revert(root);
    expect_exported(*running, image_size, 'b');
    expect_exported(*stopped, image_size, 'a');
  }
  pool().finish();
  expect_holds(root, image_size, 'b');
}

TEST_P(TransferTest, an_export_tells_where_there_is_data) {
  auto& root = origin("debian");
  put(start(root), far_block, 'a');
  stop(root);
  const auto exported = hold(root);
  ASSERT_EQ(exported->data().size(), 1u);
  EXPECT_LE(exported->data()[0].source, far_block);
  EXPECT_LE(exported->data()[0].length, kibibytes(64));
}

TEST_P(TransferTest, a_new_volume_takes_over_the_committed_state_and_size_of_another) {
  auto& from = origin("from");
  resize(from, mebibytes(5));
  commit(from, 'a');
  fill(start(from), mebibytes(5), 'b');
  auto p = properties("vm-templates/copy/root");
  p.save_on_stop = true;
  p.write_policy = policy();
  auto& copy = add(p);
  copy.create({.from = &from}).get();
  expect_holds(copy, mebibytes(5), 'a');
  stop(from);
  expect_holds(copy, mebibytes(5), 'a');
}

TEST_F(FilePoolTest, with_snapshots_off_a_running_volume_is_not_exported) {
  auto& root = origin("debian", -1);
  start(root);
  expect_error(ErrorKind::in_use, [&] { root.begin_export().get(); });
  stop(root);
  const auto exported = root.begin_export().get();
  EXPECT_EQ(get(exported->path(), first_block), 0);
  expect_error(ErrorKind::in_use, [&] { start(root); });
  exported->end();
}

INSTANTIATE_TEST_SUITE_P(, TransferTest, both_policies, policy_name);

}  // namespace
}  // namespace cowshed::test
