// SPDX-License-Identifier: Apache-2.0
// Conformance: creation, removal, verification, usage and recovery.
#include <filesystem>
#include <set>

#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;

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

TEST_P(ConformanceTest, a_creation_that_fails_leaves_nothing) {
  if (!can(Capability::origin_volumes)) return;
  make_origin("other");
  const auto everything = [&] {
    std::set<Path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch()))
      found.insert(entry.path());
    return found;
  };
  const auto before = everything();
  Volume& volume = add(origin_properties());
  expect_error(ErrorKind::not_found, [&] {
    volume.create({.image = Path("/nonexistent/image"), .from = nullptr, .progress = nullptr}).get();
  });
  EXPECT_EQ(everything(), before);
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

}  // namespace
}  // namespace cowshed::test
