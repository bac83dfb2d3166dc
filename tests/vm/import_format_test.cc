// SPDX-License-Identifier: Apache-2.0
// Images in the formats of other programs, imported as people do it; qemu-img is the oracle.
#include <fstream>

#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

class ImportFormatTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    create_template("one");
    must_shell(
        "head -c 700000 /dev/urandom > raw; truncate -s 3M raw; head -c 5000 /dev/urandom >> raw; "
        "truncate -s 5M raw");
  }
  std::string must_shell(const std::string& line) {
    const Outcome outcome = shell("set -e; cd " + scratch().native() + "; " + line);
    EXPECT_TRUE(outcome.ok()) << line << ": " << outcome.text();
    return outcome.out;
  }
  /// A qemu-img that does something else when it is to convert.
  void instead_of_convert(const std::string& line) {
    std::filesystem::create_directories(scratch() / "bin");
    std::ofstream(scratch() / "bin/qemu-img")
        << "#!/bin/sh\n[ \"$1\" = convert ] || exec " << must_shell("command -v qemu-img | tr -d '\\n'")
        << " \"$@\"\n"
        << line << "\n";
    must_shell("chmod +x bin/qemu-img");
  }
  Outcome import_with_ours(const std::string& more = "") {
    return shell("cd " + scratch().native() + "; export PATH=" + scratch().native() +
                 "/bin:$PATH; cowshed volume import one:root image" + more);
  }
};

TEST_F(ImportFormatTest, an_image_of_each_format_becomes_the_volume_and_what_it_replaced_a_revision) {
  for (const char* format : {"qcow2", "vmdk", "vdi"}) {
    must_shell("cowshed volume export one:root before");
    must_shell(std::string("qemu-img convert -f raw -O ") + format +
               " raw image; cowshed volume import one:root image");
    must_shell("cowshed volume export one:root after; qemu-img compare -f raw -F raw after raw");
    EXPECT_EQ(json({"volume", "info", "one:root"}).at("size"), 5 << 20);
    must({"volume", "revert", "one:root"});
    must_shell("cowshed volume export one:root reverted; cmp reverted before");
  }
}

TEST_F(ImportFormatTest, a_guest_that_writes_a_header_into_its_disk_gets_no_file_of_the_host) {
  must_shell(
      "echo secret > secret; truncate -s 64k secret; "
      "qemu-img create -q -f qcow2 -u -b " +
      (scratch() / "secret").native() + " -F raw image 64k");
  must_shell(
      "cowshed volume import one:private image --format raw; cowshed volume export one:private out; "
      "cmp -n $(stat -c %s image) image out");
  const Everything before = everything(Detail::contents);
  const Outcome outcome = shell("cd " + scratch().native() + "; cowshed volume import one:private out");
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.err.find("has a backing file"), std::string::npos) << outcome.text();
  expect_as(before, "refused", Detail::contents);
}

/// An image that is in order when it is checked, and names a file of the host when it is converted.
class SwappedImageTest : public ImportFormatTest {
 protected:
  struct Swap {
    const char* format;
    /// Makes `bad`, which names `secret`.
    std::string make;
  };
  [[nodiscard]] std::vector<Swap> swaps() const {
    const std::string secret = (scratch() / "secret").native();
    return {
        {"qcow2", "qemu-img create -q -f qcow2 -u -b " + secret + " -F raw bad 64k"},
        {"qcow2", "qemu-img create -q -f qcow2 -o data_file=" + secret + ",data_file_raw=on bad 64k"},
        {"vmdk", R"(printf '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n)"
                 R"(createType="monolithicFlat"\nRW 128 FLAT "%s" 0\n' )" +
                     secret + " > bad"},
    };
  }
  void prepare(const Swap& swap) {
    const std::string real = must_shell("command -v qemu-img | tr -d '\\n'");
    must_shell(std::string("rm -f image bad; qemu-img convert -f raw -O ") + swap.format +
               " raw image; truncate -s 64k secret; " + swap.make +
               "; printf 'of this host' | dd of=secret conv=notrunc status=none");
    instead_of_convert("cat bad > image; exec " + real + " \"$@\"");
  }
};

TEST_F(SwappedImageTest, an_image_that_somebody_begins_to_write_is_imported_no_further) {
  for (const Swap& swap : swaps()) {
    prepare(swap);
    const Everything before = everything(Detail::contents);
    const Outcome outcome = import_with_ours();
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    EXPECT_NE(outcome.err.find("to be written"), std::string::npos) << outcome.text();
    expect_one_error_line(outcome, "import");
    expect_as(before, swap.make, Detail::contents);
  }
}

TEST_F(SwappedImageTest, an_image_that_somebody_writes_is_imported_as_it_was_when_it_was_checked) {
  for (const Swap& swap : swaps()) {
    prepare(swap);
    must_shell("exec 9<>image; PATH=$PWD/bin:$PATH cowshed volume import one:root image");
    must_shell("cowshed volume export one:root out; qemu-img compare -f raw -F raw out raw");
  }
}

TEST_F(ImportFormatTest, a_conversion_that_fails_half_way_leaves_everything_as_it_was) {
  must_shell("qemu-img convert -f raw -O qcow2 raw image");
  instead_of_convert("for last; do :; done; echo half > $last; echo \"qemu-img: it broke\" >&2; exit 1");
  const Everything before = everything(Detail::contents);
  const Outcome outcome = import_with_ours();
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.err.find("it broke"), std::string::npos) << outcome.text();
  expect_one_error_line(outcome, "import");
  expect_as(before, "failed", Detail::contents);
}

TEST_F(ImportFormatTest, ctrl_c_ends_the_conversion_and_undoes_it) {
  must_shell("qemu-img convert -f raw -O qcow2 raw image");
  instead_of_convert("echo $$ > " + (scratch() / "pid").native() + "; exec sleep 1000");
  const Everything before = everything(Detail::contents);
  const Outcome outcome = import_with_ours(
      " & c=$!; while [ ! -s pid ]; do sleep 0.1; done; kill -INT $c; wait $c; s=$?; kill -0 $(cat pid) "
      "2>/dev/null && echo lives; exit $s");
  EXPECT_EQ(outcome.status, 130) << outcome.text();
  EXPECT_EQ(outcome.out, "");
  expect_as(before, "interrupted", Detail::contents);
}

TEST_F(ImportFormatTest, a_killed_import_takes_its_converter_with_it_and_recovery_clears_up) {
  must_shell("qemu-img convert -f raw -O qcow2 raw image; cowshed volume export one:root before");
  instead_of_convert("echo $$ > " + (scratch() / "pid").native() + "; exec sleep 1000");
  const Outcome outcome = import_with_ours(
      " & c=$!; while [ ! -s pid ]; do sleep 0.1; done; kill -KILL $c; wait $c 2>/dev/null; sleep 1; "
      "kill -0 $(cat pid) 2>/dev/null && echo lives; true");
  EXPECT_EQ(outcome.out, "");
  must({"recover"});
  must_shell("cowshed volume export one:root after; cmp before after");
}

TEST_F(ImportFormatTest, a_full_file_system_is_told_as_such) {
  must_shell("mkdir small; mount -t tmpfs -o size=2M none small; qemu-img convert -f raw -O qcow2 raw image");
  must_shell("head -c 4M /dev/urandom > big; qemu-img convert -f raw -O qcow2 big image");
  must({"pool", "add", "small", "--driver", "file", "-o", "dir_path=" + (scratch() / "small").native()});
  must({"volume", "create", "one:data", "--size", "1M", "--pool", "small"});
  const Outcome outcome = shell("cd " + scratch().native() + "; cowshed --json volume import one:data image");
  EXPECT_EQ(outcome.status, 1) << outcome.text();
  EXPECT_NE(outcome.err.find("no_space"), std::string::npos) << outcome.text();
  must({"volume", "remove", "one:data"});
  must({"pool", "remove", "small"});
  must_shell("umount small");
}

}  // namespace
}  // namespace cowshed::test
