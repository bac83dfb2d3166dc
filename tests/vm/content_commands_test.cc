// SPDX-License-Identifier: Apache-2.0
// The commands that change or hand out a volume as a whole, as people type them.
#include <fcntl.h>

#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class ContentCommandsTest : public CowshedTest {
 protected:
  /// Commits `value` in the template's root.
  void write_and_stop(const std::string& vm, const std::string& volume, char value) {
    must({"vm", "start", vm});
    put(vm, volume, first_block, value);
    must({"vm", "stop", vm});
  }
  std::string must_shell(const std::string& line) {
    const Outcome outcome = shell(line);
    EXPECT_TRUE(outcome.ok()) << line << ": " << outcome.text();
    return outcome.out;
  }
  void expect_error(const Command& command, const std::string& part) {
    const Everything before = everything(Detail::contents);
    const Outcome outcome = cowshed(command);
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    expect_one_error_line(outcome, command.back());
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
    expect_as(before, command.back(), Detail::contents);
  }
  std::uint64_t size_of(const std::string& volume) { return json({"volume", "info", volume}).at("size"); }
  char committed(const std::string& vm, const std::string& volume) {
    must({"vm", "start", vm});
    const char value = get(vm, volume, first_block);
    must({"vm", "stop", vm});
    return value;
  }
  [[nodiscard]] std::string in_scratch(const std::string& name) const { return (scratch() / name).native(); }
};

TEST_F(ContentCommandsTest, what_is_exported_to_a_pipe_and_imported_from_one_is_the_same) {
  create_template("one");
  create_template("two");
  write_and_stop("one", "root", 'a');
  must_shell("cowshed volume export one:root - | cowshed volume import two:root -");
  EXPECT_EQ(committed("two", "root"), 'a');
  must_shell("cowshed volume export one:root - > " + in_scratch("a"));
  must_shell("cowshed volume export two:root " + in_scratch("b"));
  must_shell("cmp " + in_scratch("a") + " " + in_scratch("b"));
  must_shell("cowshed volume import two:root " + in_scratch("a"));
  must_shell("mkfifo " + in_scratch("fifo"));
  must_shell("cowshed volume export two:root " + in_scratch("fifo") + " & cmp " + in_scratch("fifo") + " " +
             in_scratch("a") + " && wait $!");
}

TEST_F(ContentCommandsTest, what_an_app_vm_has_changed_is_promoted_running_or_stopped) {
  create_template("one");
  create_app("work", "one");
  expect_error({"volume", "promote", "work:root"}, "keep_changes");
  must({"volume", "set", "work:root", "keep_changes", "true"});
  expect_error({"volume", "promote", "work:root"}, "kept no changes");
  must({"vm", "start", "work"});
  expect_error({"volume", "set", "work:root", "keep_changes", "false"}, "running");
  put("work", "root", first_block, 'w');
  must({"volume", "promote", "work:root"});
  EXPECT_EQ(committed("one", "root"), 'w');
  put("work", "root", first_block, 'x');
  must({"vm", "stop", "work"});
  must({"vm", "start", "one"});
  expect_error({"volume", "promote", "work:root"}, "is running");
  must({"vm", "stop", "one"});
  must({"volume", "promote", "work:root"});
  EXPECT_EQ(committed("one", "root"), 'x');
  expect_error({"volume", "promote", "one:root"}, "cannot promote");
}

TEST_F(ContentCommandsTest, other_commands_go_on_while_a_reader_takes_its_time) {
  create_template("one");
  write_and_stop("one", "root", 'a');
  must_shell("cowshed volume export one:root " + in_scratch("before"));
  must_shell("mkfifo " + in_scratch("fifo"));
  must_shell("cowshed volume export one:root " + in_scratch("fifo") + " >/dev/null 2>" +
             in_scratch("errors") + " &");
  EXPECT_TRUE(eventually([&] { return !picture_of_kernel(control()).empty(); }));
  write_and_stop("one", "root", 'b');
  must({"volume", "revert", "one:root"});
  must({"volume", "resize", "one:root", "5M"});
  expect_error({"vm", "remove", "one"}, "in use by an export");
  must_shell("cmp " + in_scratch("fifo") + " " + in_scratch("before"));
  EXPECT_TRUE(eventually([&] { return picture_of_kernel(control()).empty(); }));
  EXPECT_EQ(must_shell("cat " + in_scratch("errors")), "");
  must({"vm", "remove", "one"});
}

TEST_F(ContentCommandsTest, zeros_from_a_pipe_and_holes_of_a_volume_take_no_space) {
  create_template("one");
  must({"volume", "resize", "one:root", "256M"});
  write_and_stop("one", "root", 'a');
  must_shell("cowshed volume export one:root - | cowshed volume import one:private -");
  EXPECT_EQ(size_of("one:private"), 256u << 20);
  must_shell("cowshed volume export one:private " + in_scratch("file"));
  const auto file = stat_if_exists(scratch() / "file");
  EXPECT_EQ(file->size, mebibytes(256));
  EXPECT_LE(file->allocated, mebibytes(2));
  EXPECT_LE(json({"volume", "info", "one:private"}).at("usage").get<std::uint64_t>(), 2u << 20);
}

TEST_F(ContentCommandsTest, a_volume_takes_the_size_of_what_is_imported_and_its_definition_keeps_it) {
  create_template("one");
  must_shell("truncate -s 5000 " + in_scratch("file"));
  must({"volume", "import", "one:root", in_scratch("file")});
  EXPECT_EQ(size_of("one:root"), 5120u);
  must({"volume", "resize", "one:root", "3M"});
  EXPECT_EQ(size_of("one:root"), 3u << 20);
  EXPECT_NE(must_shell("cat " + (state() / "vms/one.json").native()).find("3145728"), std::string::npos);
  must({"volume", "resize", "one:root", "1M", "--shrink"});
  must({"volume", "revert", "one:root"});
  EXPECT_EQ(size_of("one:root"), 3u << 20);
}

TEST_F(ContentCommandsTest, an_export_replaces_a_file_whole_and_leaves_it_alone_when_it_fails) {
  create_template("one");
  must_shell("echo old > " + in_scratch("file"));
  must({"volume", "export", "one:root", in_scratch("file")});
  EXPECT_EQ(stat_if_exists(scratch() / "file")->size, mebibytes(4));
  expect_error({"volume", "export", "one:root", in_scratch("missing/file")}, "No such file");
  must_shell("ln -s /nowhere/at/all " + in_scratch("link"));
  const Outcome full = shell("cowshed volume export one:root /dev/full");
  EXPECT_EQ(full.status, 1) << full.text();
  EXPECT_NE(full.err.find("No space left"), std::string::npos) << full.text();
}

TEST_F(ContentCommandsTest, a_reader_that_goes_away_is_an_error_and_not_the_end_of_the_program) {
  create_template("one");
  const Outcome outcome = shell("cowshed volume export one:root - | true; echo ${PIPESTATUS[0]}");
  EXPECT_EQ(outcome.out, "1\n") << outcome.text();
  expect_one_error_line({1, 0, "", outcome.err}, "export");
}

TEST_F(ContentCommandsTest, inputs_that_cannot_be_are_refused_and_change_nothing) {
  create_template("one");
  create_app("work", "one");
  write_and_stop("one", "root", 'a');
  must_shell(": > " + in_scratch("empty"));
  expect_error({"volume", "import", "one:root", in_scratch("empty")}, "is empty");
  expect_error({"volume", "import", "one:root", in_scratch("missing")}, "No such file");
  expect_error({"volume", "import", "one:root", "-"}, "standard input' is empty");
  expect_error({"volume", "import", "one:root", "--from", "one:root"}, "into itself");
  expect_error({"volume", "import", "one:root", "--from", "work:root"}, "snapshot");
  expect_error({"volume", "import", "work:root", "--from", "one:root"}, "snapshot");
  expect_error({"volume", "import", "one:volatile", "--from", "one:root"}, "volatile");
  expect_error({"volume", "export", "work:root", "-"}, "snapshot");
  expect_error({"volume", "resize", "work:root", "8M"}, "snapshot");
  expect_error({"volume", "resize", "one:root", "1M"}, "--shrink");
  expect_error({"volume", "resize", "one:root", "4M1"}, "4M1");
  expect_error({"volume", "resize", "one:root", "1000"}, "multiple of 512");
  expect_error({"volume", "resize", "one:root", "1000000T"}, "too large");
  expect_error({"volume", "revert", "one:root", "never"}, "no revision 'never'");
  expect_error({"volume", "revert", "one:private"}, "no revision");
  expect_error({"vm", "clone", "one", "work"}, "exists already");
  expect_error({"vm", "clone", "nobody", "new"}, "nobody");
  expect_error({"vm", "clone", "one", "../new"}, "../new");
  expect_error({"volume", "clone", "one:root", "work:private"}, "has a volume of that name");
  expect_error({"volume", "clone", "one:data", "nobody:root"}, "nobody");
}

TEST_F(ContentCommandsTest, a_vm_is_cloned_with_its_committed_state_also_while_it_runs) {
  create_template("one");
  create_app("work", "one");
  write_and_stop("one", "root", 'a');
  write_and_stop("work", "private", 'p');
  must({"volume", "resize", "work:private", "3M"});
  must({"vm", "start", "one", "work"});
  put("one", "root", first_block, 'b');
  put("work", "private", first_block, 'q');
  must({"vm", "clone", "one", "two"});
  must({"vm", "clone", "work", "play"});
  must({"vm", "stop", "one", "work"});
  EXPECT_EQ(committed("two", "root"), 'a');
  EXPECT_EQ(committed("play", "private"), 'p');
  EXPECT_EQ(size_of("play:private"), 3u << 20);
  EXPECT_EQ(json({"vm", "info", "play"}).at("template"), "one");
  EXPECT_EQ(committed("work", "private"), 'q');
  must({"vm", "remove", "work"});
  must({"vm", "remove", "play"});
  must({"vm", "remove", "one"});
  EXPECT_EQ(committed("two", "root"), 'a');
}

TEST_F(ContentCommandsTest, a_volume_is_cloned_into_another_pool) {
  create_template("one");
  create_template("two");
  write_and_stop("one", "root", 'a');
  must({"pool", "add", "other", "--driver", "file", "-o", "dir_path=" + in_scratch("other")});
  must({"volume", "clone", "two:data", "one:root", "--pool", "other"});
  const auto info = json({"volume", "info", "two:data"});
  EXPECT_EQ(info.at("pool"), "other");
  EXPECT_EQ(info.at("size"), 4u << 20);
  EXPECT_EQ(committed("two", "data"), 'a');
}

TEST_F(ContentCommandsTest, a_failed_clone_leaves_nothing) {
  create_template("one");
  must({"volume", "resize", "one:root", "64M"});
  must({"vm", "start", "one"});
  must_shell("head -c 60M /dev/urandom > " + node("one", "root").native());
  must({"vm", "stop", "one"});
  must({"pool", "add", "small", "--driver", "file", "-o", "dir_path=" + in_scratch("small")});
  must_shell("mount -t tmpfs -o size=16M none " + in_scratch("small"));
  create_template("two");
  expect_error({"volume", "clone", "two:data", "one:root", "--pool", "small"}, "No space left");
  must_shell("umount " + in_scratch("small"));
}

TEST_F(ContentCommandsTest, a_revision_is_listed_and_gone_back_to) {
  create_template("one");
  write_and_stop("one", "root", 'a');
  write_and_stop("one", "root", 'b');
  const auto revisions = json({"volume", "revisions", "one:root"});
  ASSERT_EQ(revisions.size(), 1u);
  must({"volume", "revert", "one:root", revisions.at(0).at("id")});
  EXPECT_EQ(committed("one", "root"), 'a');
  must({"volume", "revert", "one:root"});
  EXPECT_EQ(committed("one", "root"), 'b');
}

TEST_F(ContentCommandsTest, a_discarded_session_leaves_no_trace) {
  create_template("one");
  write_and_stop("one", "root", 'a');
  const Everything before = everything(Detail::contents);
  must({"vm", "start", "one"});
  put("one", "root", first_block, 'b');
  must({"vm", "stop", "--discard", "one"});
  expect_as(before, "stop --discard", Detail::contents);
  EXPECT_EQ(committed("one", "root"), 'a');
}

}  // namespace
}  // namespace cowshed::test
