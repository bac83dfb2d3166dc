// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

class ImportConfTest : public CommandLineTest {
 protected:
  std::string conf(const std::string& text) {
    const Path file = directory() / "storage.conf";
    std::ofstream(file, std::ios::trunc) << text;
    return file.native();
  }
  std::string section(const std::string& name, const std::string& place = "") {
    return "[" + name + "]\ndriver=xen\ndir_path=" + path(place.empty() ? name : place) + "\n";
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (directory() / name).native(); }
  std::string lines(const Command& command) {
    const Outcome outcome = cowshed(command);
    EXPECT_TRUE(outcome.ok()) << outcome.text();
    return outcome.out;
  }
};

TEST_F(ImportConfTest, PoolsAreAddedAndASecondTimeAreThereAlready) {
  const std::string file = conf(section("foo") + section("bar"));
  const Picture before = picture_of_files(directory(), Detail::contents);
  EXPECT_EQ(lines({"pool", "import-conf", file, "--dry-run"}),
            "pool 'foo' would be added: driver file, dir_path " + path("foo") +
                "\npool 'bar' would be added: driver file, dir_path " + path("bar") + "\n");
  EXPECT_EQ(picture_of_files(directory(), Detail::contents), before);
  EXPECT_EQ(lines({"pool", "import-conf", file}), "pool 'foo' added: driver file, dir_path " + path("foo") +
                                                      "\npool 'bar' added: driver file, dir_path " +
                                                      path("bar") + "\n");
  must({"vm", "create", "new", "-P", "foo", "--size", "root=1M", "--size", "private=1M"});
  EXPECT_TRUE(path_exists(directory() / "foo/vm-templates/new/root.img"));
  EXPECT_EQ(lines({"--json", "pool", "import-conf", conf(section("foo"))}),
            R"({"dry_run":false,"pools":[{"name":"foo","driver":"file","parameters":{"dir_path":")" +
                path("foo") + "\"},\"existed\":true}]}\n");
}

TEST_F(ImportConfTest, AllOrNothing) {
  expect_failure({"pool", "import-conf", conf(section("foo") + section("varlib"))},
                 {"'varlib' exists already"});
  expect_failure({"pool", "import-conf", conf(section("foo") + section("bar", "foo"))},
                 {"add pool 'bar'", "pool 'foo' lies in the same place"});
  expect_failure({"pool", "import-conf", conf(section("foo") + section("bar", "state"))},
                 {"add pool 'bar'", "pool 'varlib' lies in the same place"});
  // The first can be made, the second not.
  std::ofstream(directory() / "file") << "no directory";
  expect_failure({"pool", "import-conf", conf(section("foo") + section("bar", "file/below"))},
                 {"add pool 'bar'"});
}

TEST_F(ImportConfTest, BadFilesAreRefusedWithFileAndLine) {
  expect_failure({"pool", "import-conf", path("missing")}, {"'" + path("missing") + "'"});
  expect_failure({"pool", "import-conf", directory().native()}, {directory().native()});
  expect_failure({"pool", "import-conf", conf("[a]\nclass=foo.Bar\n")},
                 {"storage.conf", "line 2", "cowshed pool add a --plugin FILE"});
  expect_failure({"pool", "import-conf", conf("[a]\ndriver=\x1b[2J\n")}, {"line 2"});
  expect_bad_word({"pool", "import-conf"});
}

}  // namespace
}  // namespace cowshed::test
