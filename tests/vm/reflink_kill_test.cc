// SPDX-License-Identifier: Apache-2.0
// The program over a file-reflink pool, which a first start picks where the file system can share extents:
// killed at every call of a start, a stop and what changes a volume as a whole, a volume holds the old state
// or the new one.
#include <fcntl.h>

#include <filesystem>
#include <set>

#include "support/kill_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class ReflinkKillTest : public OnFileSystem<KillTest> {
 protected:
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    commit("debian", "root");
    commit("work", "private");
  }
  /// A new value, in a session of its own.
  void commit(const std::string& vm, const std::string& volume) {
    must({"vm", "start", vm});
    put(vm, volume, first_block, next_value());
    must({"vm", "stop", vm});
  }
  nlohmann::json info(const std::string& volume) { return json({"volume", "info", volume}); }
  /// The files of a VM, revisions without number and time; what is half-made is none of them.
  std::multiset<std::string> files_of(const std::string& directory) {
    std::multiset<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(state() / directory)) {
      const std::string name = entry.path().filename();
      names.insert(name.find('@') == std::string::npos ? name : "REVISION");
    }
    return names;
  }
  char read_committed(const std::string& file) {
    return read_block(open_file(state() / file, O_RDONLY), first_block);
  }
};

using Files = std::multiset<std::string>;

TEST_P(ReflinkKillTest, AFirstStartPicksTheDriver) {
  create_template("debian");
  EXPECT_EQ(json({"pool", "info", "varlib"}).at("driver"), "file-reflink");
  must({"vm", "remove", "debian"});
}

TEST_P(ReflinkKillTest, AtEveryCallOfAStart) {
  create_vms();
  const Everything stopped = everything();
  const char root = read_committed("vm-templates/debian/root.img");
  const auto check_and_stop = [&](const std::string& what) {
    EXPECT_EQ(get("work", "private", first_block), value()) << what;
    EXPECT_EQ(get("work", "volatile", first_block), 0) << what;
    EXPECT_EQ(get("work", "root", first_block), root) << what;
    must({"vm", "stop", "work"});
    expect_as(stopped, what);
  };
  kill_at_each_call({.command = {"vm", "start", "work"},
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           if (recover_every_other_time(what) && state_of("work") == "stopped")
                             expect_as(stopped, what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           check_and_stop(what);
                         },
                     .done = check_and_stop});
}

TEST_P(ReflinkKillTest, AtEveryCallOfAStop) {
  create_vms();
  const auto expect_committed = [&](const std::string& what) {
    EXPECT_EQ(read_committed("appvms/work/private.img"), value()) << what;
    EXPECT_EQ(files_of("appvms/work"), (Files{"private.img", "REVISION"})) << what;
    EXPECT_FALSE(info("work:private").at("is_dirty").get<bool>()) << what;
  };
  kill_at_each_call({.command = {"vm", "stop", "work"},
                     .prepare =
                         [&] {
                           must({"vm", "start", "work"});
                           put("work", "private", first_block, next_value());
                         },
                     .killed =
                         [&](const std::string& what) {
                           recover_every_other_time(what);
                           // What it was cut off from goes on: running, taken down and dirty, or done.
                           must({"vm", "stop", "work"});
                           if (info("work:private").at("is_dirty").get<bool>()) {
                             must({"vm", "start", "work"});
                             EXPECT_EQ(get("work", "private", first_block), value()) << what;
                             must({"vm", "stop", "work"});
                           }
                           expect_order(what);
                           must({"recover"});
                           expect_committed(what);
                         },
                     .done = expect_committed});
}

TEST_P(ReflinkKillTest, AtEveryCallOfARevert) {
  create_vms();
  const char older = read_committed("vm-templates/debian/root.img");
  commit("debian", "root");
  char before = 0;
  const auto revert = [&] { must({"volume", "revert", "debian:root"}); };
  const auto check = [&](const std::string& what) {
    must({"recover"});
    const char now = read_committed("vm-templates/debian/root.img");
    EXPECT_TRUE(now == value() || now == older) << what << ": " << now;
    EXPECT_EQ(info("debian:root").at("revisions").size(), 1u) << what;
    EXPECT_EQ(files_of("vm-templates/debian"), (Files{"private.img", "root.img", "REVISION"})) << what;
    revert();
    EXPECT_NE(read_committed("vm-templates/debian/root.img"), now) << what << ": the other one is lost";
  };
  kill_at_each_call({.command = {"volume", "revert", "debian:root"},
                     .prepare = [&] { before = read_committed("vm-templates/debian/root.img"); },
                     .killed = check,
                     .done =
                         [&](const std::string& what) {
                           EXPECT_NE(read_committed("vm-templates/debian/root.img"), before) << what;
                         },
                     .only = "change,sync"});
}

TEST_P(ReflinkKillTest, AtEveryCallOfAnImport) {
  create_vms();
  must({"volume", "set", "debian:root", "revisions_to_keep", "2"});
  const auto file = [&](char content) {
    const Path path = scratch() / "input";
    unlink_if_exists(path);
    write_all(open_file(path, O_WRONLY | O_CREAT | O_EXCL), std::string(1 << 20, content), path);
    return path.native();
  };
  char before = value();
  kill_at_each_call({.command = {"volume", "import", "debian:root", (scratch() / "input").native()},
                     .prepare =
                         [&] {
                           before = read_committed("vm-templates/debian/root.img");
                           file(next_value());
                         },
                     .killed =
                         [&](const std::string& what) {
                           must({"recover"});
                           const char now = read_committed("vm-templates/debian/root.img");
                           EXPECT_TRUE(now == before || now == value()) << what << ": " << now;
                           for (const auto& name : files_of("vm-templates/debian"))
                             EXPECT_TRUE(name == "private.img" || name == "root.img" || name == "REVISION")
                                 << what << ": " << name;
                           must({"vm", "start", "debian"});
                           EXPECT_EQ(get("debian", "root", first_block), now) << what;
                           must({"vm", "stop", "debian"});
                         },
                     .done =
                         [&](const std::string& what) {
                           EXPECT_EQ(read_committed("vm-templates/debian/root.img"), value()) << what;
                         },
                     .only = "change,sync"});
}

TEST_P(ReflinkKillTest, AtEveryCallOfAStartAndAStopWithSnapshotsOff) {
  create_vms();
  must({"volume", "set", "work:private", "revisions_to_keep", "-1"});
  const auto use = [&](const std::string& what) {
    EXPECT_EQ(get("work", "private", first_block), value()) << what;
    put("work", "private", first_block, next_value());
    must({"vm", "stop", "work"});
    EXPECT_EQ(files_of("appvms/work"), Files{"private.img"}) << what;
    EXPECT_EQ(read_committed("appvms/work/private.img"), value()) << what;
  };
  must({"vm", "start", "work"});
  use("first");
  kill_at_each_call({.command = {"vm", "start", "work"},
                     .prepare = [] {},
                     .killed =
                         [&](const std::string& what) {
                           recover_every_other_time(what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           use(what);
                         },
                     .done = use,
                     .only = "change,sync"});
  kill_at_each_call({.command = {"vm", "stop", "work"},
                     .prepare =
                         [&] {
                           must({"vm", "start", "work"});
                           put("work", "private", first_block, next_value());
                         },
                     .killed =
                         [&](const std::string& what) {
                           recover_every_other_time(what);
                           retry({"vm", "start", "work"}, "is already running", what);
                           use(what);
                         },
                     .done =
                         [&](const std::string& what) {
                           EXPECT_EQ(read_committed("appvms/work/private.img"), value()) << what;
                         },
                     .only = "change,sync"});
}

INSTANTIATE_TEST_SUITE_P(On, ReflinkKillTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test
