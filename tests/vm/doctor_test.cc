// SPDX-License-Identifier: Apache-2.0
// On the real kernel: what the VM has is good, and what is taken away from it is missed by the check for it
// alone.
#include <sys/stat.h>

#include <map>

#include "app/lvm_filter.h"
#include "support/cowshed_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

class DoctorTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    run({"modprobe", "-a", "dm-snapshot", "dm-zero", "dm-crypt", "loop"});
    must({"pool", "set", "varlib", "ephemeral_volatile", "true"});
    create_template("debian");
    before_ = bad();
  }

  static void run(const std::vector<std::string>& program) {
    const Outcome outcome = run_program(program);
    ASSERT_TRUE(outcome.ok()) << program.front() << ": " << outcome.text();
  }

  /// By name, with the pool where there is one.
  std::map<std::string, std::string> results() {
    std::map<std::string, std::string> results;
    // The status is 1 where something is bad.
    const auto answer = nlohmann::json::parse(cowshed({"doctor", "--json"}).out);
    for (const auto& check : answer.at("checks")) {
      const auto& about = check.at("about");
      const std::string pool = about.is_null() ? "" : " " + about.get<std::string>();
      results[check.at("id").get<std::string>() + pool] = check.at("result");
    }
    return results;
  }
  std::set<std::string> bad() {
    std::set<std::string> names;
    for (const auto& [name, result] : results())
      if (result == "bad") names.insert(name);
    return names;
  }
  std::string result_of(const std::string& name) { return results()[name]; }
  /// What else is bad was so before.
  void expect_newly_bad(const std::string& name) {
    auto expected = before_;
    expected.insert(name);
    EXPECT_EQ(bad(), expected);
    EXPECT_EQ(cowshed({"doctor"}).status, 1);
  }

  std::set<std::string> before_;
};

TEST_F(DoctorTest, WhatIsNeededIsThere) {
  auto all = results();
  for (const char* id : {"kernel",
                         "rights",
                         "dm.control",
                         "dm.version",
                         "dm.target.linear",
                         "dm.target.error",
                         "dm.target.snapshot",
                         "dm.target.snapshot-origin",
                         "dm.target.snapshot-merge",
                         "dm.target.zero",
                         "dm.target.crypt",
                         "dm.keyring",
                         "loop.control",
                         "loop.configure",
                         "loop.limit",
                         "state.directory",
                         "run.directory",
                         "state.config",
                         "state.vms",
                         "pools.apart",
                         "volumes.apart",
                         "recovery.due",
                         "recovery.leftovers",
                         "pool.directory varlib",
                         "pool.file_system varlib",
                         "pool.mount varlib",
                         "pool.direct_io varlib",
                         "pool.punch_hole varlib",
                         "pool.sharing varlib",
                         "pool.space varlib"})
    EXPECT_EQ(all[id], "good") << id << "\n" << cowshed({"doctor"}).out;
}

TEST_F(DoctorTest, ChangesNothingWhileVmsRun) {
  must({"vm", "start", "debian"});
  const auto before = everything(Detail::contents);
  cowshed({"doctor"});
  EXPECT_TRUE(everything(Detail::contents) == before);
  EXPECT_EQ(result_of("recovery.leftovers"), "good");
  EXPECT_EQ(bad(), before_);
}

TEST_F(DoctorTest, ACryptTargetThatIsGone) {
  run({"modprobe", "-r", "dm-crypt"});
  const std::string result = result_of("dm.target.crypt");
  // Nobody loaded it to see whether it is there.
  EXPECT_FALSE(path_exists("/sys/module/dm_crypt"));
  // Debian's kernel has the module at hand; that of user-mode Linux keeps it elsewhere.
  if (std::string(std::getenv("COWSHED_VM")) == "uml")
    expect_newly_bad("dm.target.crypt");
  else
    EXPECT_EQ(result, "warning");
  run({"modprobe", "dm-crypt"});
  EXPECT_EQ(bad(), before_);
}

TEST_F(DoctorTest, AStateDirectoryThatIsOpenToAll) {
  ASSERT_EQ(::chmod(state().c_str(), 0777), 0);
  expect_newly_bad("state.directory");
  ASSERT_EQ(::chmod(state().c_str(), 0700), 0);
  EXPECT_EQ(bad(), before_);
}

TEST_F(DoctorTest, APoolThatIsMountedReadOnly) {
  const MountedFileSystem disk("ext4");
  const std::string mount_point = MountedFileSystem::directory();
  must({"pool", "add", "other", "--driver", "file", "-o", "dir_path=" + mount_point + "/pool"});
  EXPECT_EQ(bad(), before_);
  run({"mount", "-o", "remount,ro", mount_point});
  expect_newly_bad("pool.mount other");
  EXPECT_EQ(result_of("pool.direct_io other"), "unknown");
  run({"mount", "-o", "remount,rw", mount_point});
  EXPECT_EQ(bad(), before_);
  must({"pool", "remove", "other"});
}

TEST_F(DoctorTest, APoolThatCannotShareExtents) {
  const MountedFileSystem disk("ext4");
  must({"pool", "add", "other", "-o", "dir_path=" + (MountedFileSystem::directory() / "pool").native(),
        "--driver", "file"});
  EXPECT_EQ(result_of("pool.sharing other"), "good");
  must({"pool", "remove", "other"});
}

TEST_F(DoctorTest, FileSystemsThatShareExtentsAreSeen) {
  for (const char* type : {"xfs", "btrfs"}) {
    const MountedFileSystem disk(type);
    const std::string name = std::string("on-") + type;
    must({"pool", "add", name, "-o", "dir_path=" + (MountedFileSystem::directory() / "pool").native(),
          "--driver", "file-reflink"});
    auto all = results();
    for (const char* check :
         {"directory", "file_system", "mount", "direct_io", "punch_hole", "sharing", "space"})
      EXPECT_EQ(all[std::string("pool.") + check + " " + name], "good") << type << " " << check;
    must({"pool", "remove", name});
  }
}

/// max_loop bounds only devices that are made by opening their node.
TEST_F(DoctorTest, MaxLoopIsNoLimit) {
  if (!run_program({"modprobe", "-r", "loop"}).ok()) GTEST_SKIP() << "loop is built in, or in use";
  run({"modprobe", "loop", "max_loop=1"});
  std::vector<loop::Loop> loops;
  for (int i = 0; i < 3; ++i) loops.push_back(disk(mebibytes(1)));
  EXPECT_EQ(result_of("loop.limit"), "good");
  EXPECT_EQ(bad(), before_);
}

TEST_F(DoctorTest, ALeftoverDeviceIsSeenAndLeft) {
  must({"vm", "start", "debian"});
  // As after a kill: what is configured is gone, the layers stay.
  const Path definition = state() / "vms/debian.json";
  const std::string text = read_file(definition, mebibytes(1));
  unlink_if_exists(definition);
  EXPECT_EQ(result_of("recovery.leftovers"), "warning");
  replace_file(definition, text);
  EXPECT_EQ(result_of("recovery.leftovers"), "good");
  must({"vm", "stop", "debian"});
}

TEST_F(DoctorTest, RulesAreLookedForWhereUdevReadsThem) {
  const Path installed = "/run/udev/rules.d/05-cowshed.rules";
  if (!path_exists("/run/udev/control")) {
    EXPECT_EQ(result_of("udev.rules"), "good") << "nobody reads them";
    return;
  }
  EXPECT_EQ(result_of("udev.rules"), "bad");
  make_directories(installed.parent_path());
  replace_file(installed, read_file(COWSHED_SOURCE_DIR "/udev/05-cowshed.rules", mebibytes(1)));
  EXPECT_EQ(result_of("udev.rules"), "good");
  unlink_if_exists(installed);
}

/// LVM itself is asked.
TEST_F(DoctorTest, FiltersOfLvmAreReadAsLvmReadsThem) {
  const auto volume = disk(mebibytes(16));
  const std::string node = volume.path();
  run({"pvcreate", "-q", "-y", node});
  for (const std::string filter :
       {R"("a|.*|")", R"("r|.*|")", R"("r|^/dev/(dm-|loop)|")",
        R"("a|^/dev/mapper/|", "r|^/dev/(dm-|loop)|")", R"("a|loop|", "r|.*|")", R"("r|/dev/sd|")",
        R"("a|/dev/sd|", "r|.*|")", "\"r(loop)\"", R"("r/loop[0-9]$/")"}) {
    const std::string config = "devices { global_filter = [ " + filter + " ] }";
    const auto listed = run_program({"pvs", "--noheadings", "-o", "pv_name", "--config", config});
    EXPECT_TRUE(listed.ok()) << listed.text();
    EXPECT_EQ(app::lvm_accepts(*app::lvm_strings(config, "global_filter"), node),
              listed.out.find(node) != std::string::npos)
        << filter << "\n"
        << listed.text();
  }
}

}  // namespace
}  // namespace cowshed::test
