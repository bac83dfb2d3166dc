// SPDX-License-Identifier: Apache-2.0
// Trees made by plain files; with layers of other programs: tests/vm/adopt_test.cc.
#include <fstream>
#include <nlohmann/json.hpp>

#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

class AdoptTest : public CommandLineTest {
 protected:
  void SetUp() override {
    CommandLineTest::SetUp();
    image("vm-templates/fedora/root.img", mebibytes(2));
    image("vm-templates/fedora/private.img");
    image("appvms/mail/private.img");
    image("appvms/mail/volatile.img", mebibytes(3));
    image("appvms/alone/root.img");
    image("appvms/alone/private.img");
    image("servicevms/net/private.img");
    must({"pool", "add", "qubes", "--driver", "file", "-o", "dir_path=" + tree().native()});
  }
  [[nodiscard]] Path tree() const { return directory() / "qubes"; }
  void image(const Path& name, Bytes size = mebibytes(1)) const {
    std::filesystem::create_directories((tree() / name).parent_path());
    create_sparse(tree() / name, size);
  }
  nlohmann::json json(Command command) {
    command.insert(command.begin(), "--json");
    const Outcome outcome = cowshed(command);
    EXPECT_TRUE(outcome.ok()) << to_text(command) << ": " << outcome.text();
    return nlohmann::json::parse(outcome.out);
  }
  Command adopt(const Command& more = {"--template", "fedora"}) {
    Command command{"vm", "adopt", tree().native()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
};

TEST_F(AdoptTest, ATreeIsTakenOverInPlaceAndOnlyDefinitionsAreWritten) {
  const Picture files = picture_of_files(tree(), Detail::contents);
  const auto answer = json(adopt());
  EXPECT_EQ(picture_of_files(tree(), Detail::contents), files);
  ASSERT_EQ(answer.at("vms").size(), 4U);
  const auto fedora = json({"vm", "info", "fedora"});
  EXPECT_EQ(fedora.at("kind"), "template");
  EXPECT_EQ(fedora.at("volumes").at(0).at("path"), (tree() / "vm-templates/fedora/root.img").native());
  EXPECT_EQ(fedora.at("volumes").at(0).at("size"), 2 << 20);
  EXPECT_EQ(json({"vm", "info", "alone"}).at("kind"), "standalone");
  const auto mail = json({"vm", "info", "mail"});
  EXPECT_EQ(mail.at("kind"), "app");
  EXPECT_EQ(mail.at("volumes").at(0).at("source"), "fedora:root");
  EXPECT_EQ(mail.at("volumes").at(2).at("size"), 3 << 20);
  EXPECT_EQ(json({"volume", "info", "net:private"}).at("path"),
            (tree() / "servicevms/net/private.img").native());
  for (const char* volume : {"fedora:root", "mail:root", "mail:private", "alone:root", "net:private"})
    must({"volume", "verify", volume});
}

TEST_F(AdoptTest, ADryRunTellsTheSameAndWritesNothing) {
  Command dry = adopt();
  dry.emplace_back("--dry-run");
  const Picture before = picture_of_files(directory(), Detail::contents);
  auto told = json(dry);
  EXPECT_EQ(picture_of_files(directory(), Detail::contents), before);
  EXPECT_EQ(told.at("dry_run"), true);
  told["dry_run"] = false;
  EXPECT_EQ(told, json(adopt()));
}

TEST_F(AdoptTest, WhatIsThereAlreadyStaysAndTheRestIsAdded) {
  must({"vm", "adopt", (tree() / "vm-templates/fedora").native()});
  EXPECT_EQ(json({"vm", "list"}).size(), 3U);
  const auto answer = json(adopt());
  EXPECT_EQ(answer.at("vms").at(0).at("existed"), true);
  EXPECT_EQ(answer.at("vms").at(1).at("existed"), false);
  const auto again = json(adopt());
  for (const auto& vm : again.at("vms")) EXPECT_EQ(vm.at("existed"), true);
  // Those that cowshed has made are in a tree of that kind, too.
  EXPECT_EQ(json({"vm", "adopt", state().native()}).at("vms").size(), 2U);
}

TEST_F(AdoptTest, EachAppVmCanHaveATemplateOfItsOwnAlsoOneThatWasThereBefore) {
  expect_failure(adopt({}), {"vm 'mail'", "--template mail=NAME"});
  expect_failure(adopt({"--template", "nobody"}), {"there is no vm 'nobody'"});
  expect_failure(adopt({"--template", "work"}), {"vm 'work' is of kind app"});
  expect_failure(adopt({"--template", "fedora", "--template", "other=debian"}), {"other=debian"});
  expect_failure(adopt({"--template", "a", "--template", "b"}), {"given twice"});
  json(adopt({"--template", "fedora", "--template", "net=debian"}));
  EXPECT_EQ(json({"vm", "info", "net"}).at("template"), "debian");
  EXPECT_EQ(json({"vm", "info", "mail"}).at("template"), "fedora");
}

TEST_F(AdoptTest, ADirectoryInNoPoolIsAnsweredByTheCommandThatMakesItOne) {
  must({"pool", "remove", "qubes"});
  for (const Path& path : {tree(), tree() / "appvms", tree() / "appvms/mail"})
    expect_failure({"vm", "adopt", path.native()},
                   {"cowshed pool add NAME --driver file -o dir_path=" + tree().native() + "'"});
  expect_failure({"vm", "adopt", (directory() / "missing").native()}, {"missing", "No such file"});
  expect_failure({"vm", "adopt", (tree() / "appvms/mail/private.img").native()}, {"is no directory"});
  expect_bad_word({"vm", "adopt"});
}

TEST_F(AdoptTest, AVmOfThatNameWithOtherFilesIsNotTakenForIt) {
  image("appvms/work/private.img");
  expect_failure(adopt(), {"vm 'work'", "exists already", (tree() / "appvms/work").native()});
}

TEST_F(AdoptTest, TwoVmsOfOneNameAreRefused) {
  image("servicevms/mail/private.img");
  expect_failure(adopt(), {"two VMs 'mail'"});
}

TEST_F(AdoptTest, ATemplateWithoutItsImageIsRefused) {
  unlink_if_exists(tree() / "vm-templates/fedora/root.img");
  expect_failure(adopt(), {"vm 'fedora'", (tree() / "vm-templates/fedora/root.img").native()});
}

TEST_F(AdoptTest, AStoreThatIsNoneIsRefusedByNameAndNothingIsAdopted) {
  for (const char* name : {"appvms/mail/private-cow.img", "appvms/mail/private-cow.img.old"}) {
    std::ofstream(tree() / name) << std::string(65536, 'x');
    expect_failure(adopt(), {"vm 'mail'", (tree() / name).native()});
    std::filesystem::resize_file(tree() / name, 0);
    expect_failure(adopt(), {"vm 'mail'", (tree() / name).native()});
    unlink_if_exists(tree() / name);
  }
}

TEST_F(AdoptTest, EmptyStoresOfQubesAreCleanAndRevisionsAreFound) {
  // As R4's file pool leaves them at each stop: sparse, as large as the image.
  image("appvms/mail/private-cow.img");
  image("appvms/mail/private-cow.img.old");
  image("appvms/mail/root-cow.img");
  const auto told = json(adopt());
  for (const auto& vm : told.at("vms")) {
    if (vm.at("name") != "mail") continue;
    EXPECT_EQ(vm.at("volumes").at(1).at("is_dirty"), false);
    EXPECT_EQ(vm.at("volumes").at(1).at("revisions"), nlohmann::json::array({"old"}));
  }
}

TEST_F(AdoptTest, DirectoriesWithoutImagesAndOtherFilesAreLeftAlone) {
  image("appvms/disp7/root-cow.img");
  image("appvms/mail/firewall.xml");
  const auto answer = json(adopt());
  EXPECT_EQ(answer.at("left_alone"), nlohmann::json::array({(tree() / "appvms/disp7").native(),
                                                            (tree() / "appvms/mail/firewall.xml").native()}));
}

TEST_F(AdoptTest, AHostileTreeIsRefusedOnOneLineWithThePath) {
  std::filesystem::create_symlink("/etc/passwd", tree() / "appvms/mail/root.img");
  expect_failure(adopt(), {(tree() / "appvms/mail/root.img").native(), "symbolic link"});
  unlink_if_exists(tree() / "appvms/mail/root.img");
  std::filesystem::create_directory(tree() / "appvms/a\nb");
  expect_failure(adopt(), {(tree() / "appvms/a\\x0ab").native()});
}

}  // namespace
}  // namespace cowshed::test
