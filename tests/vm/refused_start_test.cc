// SPDX-License-Identifier: Apache-2.0
// A VM whose start is refused because of one volume: the others are as they were. On ext4 with the driver
// `file`, on XFS with `file-reflink`: the default pool goes by the file system.
#include "support/cowshed_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class RefusedStartTest : public OnFileSystem<CowshedTest> {
 protected:
  /// work:root, a snapshot, keeps a change of its guest's.
  void SetUp() override {
    OnFileSystem<CowshedTest>::SetUp();
    if (IsSkipped()) return;
    create_template("one");
    create_app("work", "one");
    must({"volume", "set", "work:root", "keep_changes", "true"});
    must({"vm", "start", "work"});
    put("work", "root", first_block, 'w');
    must({"vm", "stop", "work"});
  }
  void must_shell(const std::string& line) {
    const Outcome outcome = shell("set -e; cd " + (state() / "appvms/work").native() + "; " + line);
    EXPECT_TRUE(outcome.ok()) << line << ": " << outcome.text();
  }
  void expect_start_refused(const std::string& part) {
    const Everything before = everything(Detail::contents);
    const Outcome outcome = cowshed({"vm", "start", "work"});
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    EXPECT_NE(outcome.err.find("'private'"), std::string::npos) << outcome.text();
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.text();
    expect_as(before, "refused: " + part, Detail::contents);
  }
  void expect_kept() {
    must({"volume", "promote", "work:root"});
    must({"vm", "start", "one"});
    EXPECT_EQ(get("one", "root", first_block), 'w');
    must({"vm", "stop", "one"});
  }
};

TEST_P(RefusedStartTest, an_image_that_is_missing_costs_no_other_volume_its_kept_changes) {
  must_shell("mv private.img aside");
  expect_start_refused("is missing");
  must_shell("mv aside private.img");
  expect_kept();
}

TEST_P(RefusedStartTest, an_image_that_is_cut_off_costs_no_other_volume_its_kept_changes) {
  must_shell("cp --sparse=always private.img aside; truncate -s 513 private.img");
  expect_start_refused("513 bytes");
  must_shell("mv aside private.img");
  expect_kept();
}

TEST_P(RefusedStartTest, an_export_of_a_volume_with_snapshots_off_costs_no_other_volume_its_kept_changes) {
  must({"volume", "set", "work:private", "revisions_to_keep", "-1"});
  must_shell(
      "mkfifo fifo; cowshed volume export work:private fifo > exported 2>&1 & echo $! > pid; exec 9< fifo; "
      "while [ ! -p fifo ]; do sleep 0.1; done; sleep 1; "
      "cowshed vm start work > refused 2>&1 && exit 1; grep -q private refused; cat <&9 > content; "
      "exec 9<&-; wait $(cat pid); rm fifo pid exported refused content");
  expect_kept();
}

TEST_P(RefusedStartTest, a_kernel_that_is_missing_costs_no_volume_its_kept_changes) {
  must_shell("mkdir -p ../../vm-kernels/k; touch ../../vm-kernels/k/vmlinuz");
  must({"vm", "set", "work", "kernel", "k"});
  must_shell("rm ../../vm-kernels/k/vmlinuz");
  const Outcome outcome = cowshed({"vm", "start", "work"});
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.err.find("vmlinuz"), std::string::npos) << outcome.text();
  expect_kept();
}

INSTANTIATE_TEST_SUITE_P(FileSystems, RefusedStartTest, testing::Values("ext4", "xfs"), file_system_name);

}  // namespace
}  // namespace cowshed::test
