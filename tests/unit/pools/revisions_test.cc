// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/revisions.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/error.h"
#include "pools/reflink/committed.h"

namespace cowshed::pools::reflink {
namespace {

using namespace std::chrono_literals;

TEST(RevisionIdTest, an_id_is_a_number_and_a_time_in_utc) {
  const auto id = RevisionId::parse("12@2024-02-29T23:59:58Z");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->number, 12u);
  // date -u -d 2024-02-29T23:59:58Z +%s
  EXPECT_EQ(id->written.time_since_epoch(), 1709251198s);
  EXPECT_EQ(id->str(), "12@2024-02-29T23:59:58Z");
  EXPECT_EQ((RevisionId{1, std::chrono::sys_seconds(0s)}.str()), "1@1970-01-01T00:00:00Z");
}

TEST(RevisionIdTest, nothing_else_is_one) {
  for (const char* text : {"",
                           "@",
                           "1",
                           "1@",
                           "@2024-02-29T23:59:58Z",
                           "1@2023-02-29T23:59:58Z",
                           "1@2024-13-01T00:00:00Z",
                           "1@2024-02-29T24:00:00Z",
                           "1@2024-02-29T23:60:00Z",
                           "1@2024-02-29T23:59:60Z",
                           "01@2024-02-29T23:59:58Z",
                           "-1@2024-02-29T23:59:58Z",
                           "1@2024-2-29T23:59:58Z",
                           "1@2024-02-29 23:59:58Z",
                           "1@2024-02-29T23:59:58",
                           "1@2024-02-29T23:59:58Zx",
                           "1@2024-02-29T23:59:58Z.new",
                           "99999999999999999999@2024-02-29T23:59:58Z",
                           "old",
                           "1@12024-02-29T23:59:58",
                           "1@0x24-02-29T23:59:58Z"})
    EXPECT_EQ(RevisionId::parse(text), std::nullopt) << text;
}

class RevisionsTest : public testing::Test {
 protected:
  static Path make_directory() {
    std::string name = testing::TempDir() + "cowshed-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  ~RevisionsTest() override { std::filesystem::remove_all(directory_); }

  Path put(const std::string& name, const std::string& content, std::time_t written = 1'700'000'000) {
    Path file = directory_ / name;
    unlink_if_exists(file);
    write_all(open_file(file, O_WRONLY | O_CREAT | O_EXCL), content, file);
    const timespec times[] = {{written, 0}, {written, 999'999'999}};
    EXPECT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    return file;
  }
  std::string content(const Path& file) { return read_file(file, kibibytes(1)); }
  std::string contents() {
    std::string all;
    for (const auto& revision : committed_revisions(files_)) all += content(revision.file) + " ";
    return all + content(files_.clean);
  }
  std::size_t count_files() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  const Path directory_ = make_directory();
  const ReflinkFiles files_{directory_ / "root"};
};

TEST_F(RevisionsTest, they_are_listed_by_number_and_what_is_none_is_passed_over) {
  put("root.img", "x");
  for (const char* name : {"root.img.10@2024-01-01T00:00:00Z", "root.img.9@2025-01-01T00:00:00Z",
                           "root.img.2@2024-01-01T00:00:00Z", "root.img.new", "root.img.1@nonsense",
                           "root2.img.1@2024-01-01T00:00:00Z", "root-dirty.img"})
    put(name, name);
  std::filesystem::create_directory(directory_ / "root.img.3@2024-01-01T00:00:00Z");
  std::filesystem::create_symlink("root.img", directory_ / "root.img.4@2024-01-01T00:00:00Z");
  std::vector<std::uint64_t> numbers;
  for (const auto& revision : list_revisions(files_.clean)) numbers.push_back(revision.id.number);
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{2, 9, 10}));
}

TEST_F(RevisionsTest, without_a_directory_there_are_none) {
  EXPECT_TRUE(list_revisions(directory_ / "missing" / "root.img").empty());
}

TEST_F(RevisionsTest, the_next_one_has_the_next_number_and_the_time_at_which_its_state_was_written) {
  put("root.img", "x", 1709251198);
  EXPECT_EQ(next_revision(files_.clean).filename(), "root.img.1@2024-02-29T23:59:58Z");
  put("root.img.41@2020-01-01T00:00:00Z", "old");
  EXPECT_EQ(next_revision(files_.clean).filename(), "root.img.42@2024-02-29T23:59:58Z");
}

TEST_F(RevisionsTest, a_commit_keeps_what_it_replaces) {
  put("root.img", "a");
  for (const char* value : {"b", "c", "d"}) commit(files_, put("root-dirty.img", value), true);
  EXPECT_EQ(contents(), "a b c d");
  prune(files_, 2);
  EXPECT_EQ(contents(), "b c d");
  commit(files_, put("root-dirty.img", "e"), false);
  EXPECT_EQ(contents(), "b c e");
  prune(files_, 0);
  EXPECT_EQ(contents(), "e");
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(RevisionsTest, the_first_commit_of_a_volume_replaces_nothing) {
  commit(files_, put("root-dirty.img", "a"), true);
  EXPECT_EQ(contents(), "a");
}

TEST_F(RevisionsTest, a_commit_takes_qubes_copy_of_the_old_state_away) {
  put("root.img", "a");
  put("root-precache.img", "a");
  commit(files_, put("root-dirty.img", "b"), false);
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(RevisionsTest, a_revert_changes_places) {
  put("root.img", "a");
  for (const char* value : {"b", "c", "d"}) commit(files_, put("root-dirty.img", value), true);
  revert_to(files_, committed_revisions(files_)[1]);
  EXPECT_EQ(contents(), "a c d b");
  revert_to(files_, committed_revisions(files_).back());
  EXPECT_EQ(contents(), "a c b d");
}

TEST_F(RevisionsTest, a_commit_that_was_cut_off_has_made_no_revision_and_is_gone_on_with) {
  put("root.img", "a");
  commit(files_, put("root-dirty.img", "b"), true);
  // The old state had its second name when the power went.
  link_durably(files_.clean, next_revision(files_.clean));
  EXPECT_EQ(contents(), "a b");
  ASSERT_TRUE(begun_revision(files_).has_value());
  EXPECT_EQ(begun_revision(files_)->id.number, 2u);
  commit(files_, put("root-dirty.img", "c"), true);
  EXPECT_EQ(contents(), "a b c");
  EXPECT_EQ(begun_revision(files_), std::nullopt);
  EXPECT_EQ(count_files(), 3u);
}

TEST_F(RevisionsTest, a_commit_that_fails_leaves_no_second_name) {
  put("root.img", "a");
  EXPECT_THROW(commit(files_, directory_ / "missing.img", true), Error);
  EXPECT_EQ(contents(), "a");
  EXPECT_EQ(count_files(), 1u);
}

TEST(ReflinkFilesTest, no_volume_may_have_the_name_of_anothers_files) {
  for (const char* vid : {"appvms/a/root-dirty", "appvms/a/x-import", "appvms/a/x-precache"})
    EXPECT_TRUE(is_taken_name(vid)) << vid;
  for (const char* vid : {"appvms/a-dirty/root", "appvms/a/dirty", "appvms/a/root-dirty2"})
    EXPECT_FALSE(is_taken_name(vid)) << vid;
}

}  // namespace
}  // namespace cowshed::pools::reflink
