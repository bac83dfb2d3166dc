// SPDX-License-Identifier: Apache-2.0
// Images in the formats of other programs, made and compared by qemu-img.
#include <fcntl.h>

#include <fstream>

#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

class RootImageTest : public CommandLineTest {
 protected:
  void SetUp() override {
    CommandLineTest::SetUp();
    if (!run_program({"qemu-img", "--version"}).ok()) GTEST_SKIP() << "needs qemu-img (qemu-utils)";
    shell(
        "head -c 1000000 /dev/urandom > raw && truncate -s 3M raw && head -c 70000 /dev/urandom >> raw && "
        "truncate -s 4M raw");
  }
  void shell(const std::string& line) {
    const Outcome outcome = run_program({"bash", "-e", "-c", "cd " + directory().native() + "; " + line});
    ASSERT_TRUE(outcome.ok()) << line << ": " << outcome.text();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (directory() / name).native(); }
  void expect_same(const std::string& vm, const std::string& image) {
    const Path made = state() / "vm-templates" / vm / "root.img";
    const Outcome outcome = run_program({"qemu-img", "compare", "-f", "raw", made, path(image)});
    EXPECT_TRUE(outcome.ok()) << image << ": " << outcome.text();
    EXPECT_LT(stat_if_exists(made)->allocated, mebibytes(2)) << image << " was made without holes";
  }
  Command create(const std::string& image, const Command& more = {}) {
    Command command{"vm", "create", "new", "--size", "private=1M", "--root-image", path(image)};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
};

TEST_F(RootImageTest, EachFormatAndSubformatGivesTheSameDisk) {
  int number = 0;
  for (const char* options :
       {"-O qcow2", "-O qcow2 -c", "-O qcow2 -o compat=0.10", "-O qcow2 -o cluster_size=4k", "-O vmdk",
        "-O vmdk -o subformat=streamOptimized", "-O vdi", "-O vdi -o static"}) {
    const std::string vm = "vm" + std::to_string(number++);
    shell(std::string("qemu-img convert -f raw ") + options + " raw image");
    must({"vm", "create", vm, "--size", "private=1M", "--root-image", path("image")});
    expect_same(vm, "raw");
  }
}

TEST_F(RootImageTest, ALargerRootVolumeIsFilledUpWithZerosAndASmallerOneIsRefused) {
  shell("qemu-img convert -f raw -O qcow2 raw image");
  must(create("image", {"--size", "root=6M"}));
  EXPECT_EQ(stat_if_exists(state() / "vm-templates/new/root.img")->size, mebibytes(6));
  expect_same("new", "raw");
  must({"vm", "remove", "new"});
  expect_failure(create("image", {"--size", "root=2M"}), {path("image"), "more than the volume's size"});
}

TEST_F(RootImageTest, AnImageThatIsSaidToBeRawIsTakenAsItIs) {
  shell("qemu-img create -q -f qcow2 image 4M");
  must(create("image", {"--format", "raw"}));
  shell("cmp -n $(stat -c %s image) image state/vm-templates/new/root.img");
}

TEST_F(RootImageTest, AnImageThatRefersToOtherFilesIsRefused) {
  shell("qemu-img convert -f raw -O qcow2 raw base; echo secret > secret; truncate -s 1M secret");
  shell("qemu-img create -q -f qcow2 -b base -F qcow2 backed");
  expect_failure(create("backed"), {path("backed"), "has a backing file"});
  shell("qemu-img create -q -f qcow2 -u -b " + path("secret") + " -F raw backed 1M");
  expect_failure(create("backed"), {"has a backing file"});
  shell("qemu-img create -q -f qcow2 -o data_file=data,data_file_raw=on external 1M");
  expect_failure(create("external"), {"has an external data file"});
  shell(
      "qemu-img create -q -f vmdk base.vmdk 1M; qemu-img create -q -f vmdk -b base.vmdk -F vmdk child.vmdk");
  expect_failure(create("child.vmdk"), {"refers to other files"});
  shell("qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M");
  expect_failure(create("flat.vmdk"), {"names the files that hold its content"});
}

TEST_F(RootImageTest, ADescriptorInAnEnvelopeIsRefusedAsOneWithout) {
  // A sparse extent of no capacity, whose descriptor (sectors 1 and 2) names a file of the host.
  shell(
      R"(printf 'KDMV\1\0\0\0\3\0\0\0' > env; truncate -s 28 env; printf '\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0' >> env
           truncate -s 512 env; printf '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n' >> env
           printf 'createType="monolithicFlat"\nRW 2048 FLAT "/etc/passwd" 0\n' >> env; truncate -s 64k env)");
  expect_failure(create("env"), {"names the files that hold its content"});
}

TEST_F(RootImageTest, DamagedImagesAreRefusedByName) {
  shell("qemu-img convert -f raw -O qcow2 raw image; truncate -s 100 image");
  expect_failure(create("image"), {path("image"), "qcow2"});
  shell(R"(printf 'QFI\xfb' > image; head -c 4000 /dev/urandom | tr -d '\0' >> image)");
  expect_failure(create("image"), {path("image")});
  shell("truncate -s 0 image");
  expect_failure(create("image"), {"is empty"});
  shell(
      "qemu-img convert -f raw -O qcow2 raw image; printf '\\x7f\\xff\\xff\\xff\\xff\\xff\\xfe\\0' | "
      "dd of=image bs=1 seek=24 conv=notrunc status=none");
  expect_failure(create("image"), {path("image")});
}

TEST_F(RootImageTest, AFormatThatTheFileDoesNotHaveOrNobodyKnowsIsRefused) {
  expect_failure(create("raw", {"--format", "qcow2"}), {path("raw"), "no qcow2 image"});
  expect_failure(create("raw", {"--format", "vhdx"}), {"'vhdx'", "raw, qcow2, vmdk and vdi"});
  expect_bad_word({"vm", "create", "new", "--format", "raw"});
  expect_bad_word({"volume", "import", "debian:root", "--from", "work:private", "--format", "raw"});
}

TEST_F(RootImageTest, WithoutQemuImgTheErrorNamesThePackage) {
  shell("qemu-img convert -f raw -O qcow2 raw image");
  const Outcome outcome = run_program(
      {"env", "PATH=/nowhere", std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cowshed",
       "--state", state(), "vm", "create", "new", "--root-image", path("image")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("apt install qemu-utils"), std::string::npos) << outcome.text();
}

TEST_F(RootImageTest, NamesThatQemuImgWouldTakeForSomethingElseAreOnlyNames) {
  const Path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cowshed";
  for (const std::string name : {"json:{}", "nbd:x", "f,x$(id) ;*", "--image-opts"}) {
    shell("qemu-img convert -f raw -O qcow2 raw image; mv image './" + name + "'");
    shell(program.native() + " --state state vm create new --size private=1M --root-image='" + name + "'");
    expect_same("new", "raw");
    must({"vm", "remove", "new"});
  }
}

}  // namespace
}  // namespace cowshed::test
