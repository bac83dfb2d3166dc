// SPDX-License-Identifier: Apache-2.0
// Bad input gets a clear error and changes nothing.
#include "unit/cli/command_line.h"

namespace cowshed::test {
namespace {

using BadInputTest = CommandLineTest;

const std::string long_name(300, 'n');
const std::vector<std::string> bad_names{"a/b", "/",  "..",  ".", "a b",    "a\nb",
                                         "",    "-a", "a:b", "ä", long_name};

TEST_F(BadInputTest, WrongUsageHasAStatusOfItsOwn) {
  expect_refused({}, {2}, {});
  expect_refused({"vm"}, {2}, {});
  expect_refused({"frobnicate"}, {2}, {"frobnicate"});
  expect_refused({"vm", "start"}, {2}, {"VM"});
  expect_refused({"vm", "start", "work", "--frobnicate"}, {2}, {"--frobnicate"});
  expect_refused({"vm", "create", "new", "--standalone", "--template", "debian"}, {2}, {"--standalone"});
}

TEST_F(BadInputTest, WhereNoServiceIsUpThisIsSaid) {
  expect_failure({"metrics"}, {"the service counts them, and it is not up"});
  const auto nowhere = (directory() / "nowhere").native();
  expect_failure({"vm", "list", "--socket", nowhere}, {"connect to '" + nowhere + "'"});
  expect_failure({"serve", "--socket", std::string(200, 'x')}, {"too long for a socket"});
}

TEST_F(BadInputTest, AnUnknownPool) {
  expect_failure({"pool", "info", "nope"}, {"there is no pool 'nope'", "varlib"});
  expect_failure({"pool", "remove", "nope"}, {"there is no pool 'nope'"});
  expect_failure({"pool", "set", "nope", "revisions_to_keep", "0"}, {"there is no pool 'nope'"});
  expect_failure({"vm", "create", "new", "-P", "nope"}, {"there is no pool 'nope'"});
  expect_failure({"vm", "create", "new", "-p", "private=nope"}, {"there is no pool 'nope'"});
  expect_failure({"volume", "create", "work:new", "--size", "1M", "--pool", "nope"},
                 {"there is no pool 'nope'"});
  expect_failure({"volume", "list", "--pool", "nope"}, {"there is no pool 'nope'"});
  expect_failure({"config", "set", "default_pool", "nope"}, {"there is no pool 'nope'"});
}

TEST_F(BadInputTest, AnUnknownDriverOrParameter) {
  const std::string other = (directory() / "other").native();
  expect_failure({"pool", "add", "new", "--driver", "nope", "-o", "dir_path=" + other},
                 {"there is no driver 'nope'", "file", "linux-kernel"});
  expect_failure({"pool", "add", "new", "--driver", "file", "-o", "dir_path=" + other, "-o", "nope=1"},
                 {"nope"});
  expect_failure({"pool", "add", "new", "--driver", "file"}, {"dir_path"});
  expect_failure({"pool", "add", "new", "--driver", "file", "-o", "dir_path"}, {"dir_path"});
  expect_failure({"pool", "add", "varlib", "--driver", "file", "-o", "dir_path=" + other},
                 {"'varlib'", "exists"});
}

TEST_F(BadInputTest, ADirectoryThatIsAPoolAlreadyHoweverItIsSpelled) {
  const Path link = directory() / "link";
  std::filesystem::create_directory_symlink(state(), link);
  for (const Path& path : {state(), state() / "", state() / ".", state() / "vms/..", link, link / "."})
    expect_failure({"pool", "add", "new", "--driver", "file", "-o", "dir_path=" + path.native()},
                   {"'varlib'", "same"});
}

TEST_F(BadInputTest, ADirectoryInWhichAPoolOfAnotherDriverKeepsItsVolumes) {
  for (const char* driver : {"file", "file-reflink"})
    expect_failure({"pool", "add", "new", "--driver", driver, "-o", "dir_path=" + state().native()},
                   {"'varlib'", "same"});
  const std::string more = "setup_check=false";
  expect_failure(
      {"pool", "add", "new", "--driver", "file-reflink", "-o", "dir_path=" + state().native(), "-o", more},
      {"'varlib'", "same"});
}

TEST_F(BadInputTest, AnUnknownVm) {
  for (const char* verb : {"start", "stop", "info", "devices", "remove"})
    expect_failure({"vm", verb, "nope"}, {"there is no vm 'nope'"});
  expect_failure({"vm", "create", "new", "--template", "nope"}, {"there is no vm 'nope'"});
  expect_failure({"vm", "create", "new", "--disposable-of", "nope"}, {"there is no vm 'nope'"});
  expect_failure({"vm", "run-throwaway", "nope"}, {"there is no vm 'nope'"});
  expect_failure({"vm", "set", "work", "template", "nope"}, {"there is no vm 'nope'"});
  expect_failure({"volume", "info", "nope:root"}, {"there is no vm 'nope'"});
}

TEST_F(BadInputTest, AnUnknownVolume) {
  for (const char* verb : {"info", "verify", "remove", "revisions"})
    expect_failure({"volume", verb, "work:nope"}, {"vm 'work' has no volume 'nope'", "private"});
  expect_failure({"volume", "set", "work:nope", "rw", "true"}, {"vm 'work' has no volume 'nope'"});
  expect_failure({"vm", "create", "new", "--size", "nope=1M"}, {"no volume 'nope'"});
  expect_failure({"vm", "create", "new", "-p", "nope=varlib"}, {"no volume 'nope'"});
  expect_failure({"volume", "info", "work"}, {"work"});
  expect_failure({"volume", "info", "work:"}, {"volume name"});
  expect_failure({"volume", "info", ":root"}, {"vm name"});
}

TEST_F(BadInputTest, AnUnknownKeyOrValue) {
  expect_failure({"config", "set", "nope", "varlib"}, {"'nope'", "default_pool_root"});
  expect_failure({"config", "get", "nope"}, {"'nope'", "default_pool_root"});
  expect_failure({"config", "unset", "nope"}, {"'nope'"});
  expect_failure({"pool", "set", "varlib", "nope", "1"}, {"'nope'"});
  expect_failure({"pool", "set", "varlib", "revisions_to_keep", "many"}, {"many"});
  expect_failure({"pool", "set", "varlib", "revisions_to_keep", "2"}, {"at most one revision"});
  expect_failure({"vm", "set", "work", "nope", "1"}, {"'nope'", "template"});
  expect_failure({"volume", "set", "work:root", "nope", "1"}, {"'nope'", "revisions_to_keep"});
  expect_failure({"volume", "set", "work:root", "rw", "perhaps"}, {"'perhaps'"});
  expect_failure({"volume", "set", "work:private", "revisions_to_keep", "1.5"}, {"1.5"});
  expect_failure({"volume", "set", "work:root", "revisions_to_keep", "-1"}, {"revisions_to_keep"});
  expect_failure({"volume", "create", "work:new", "--size", "1M", "nope=1"}, {"'nope'"});
  expect_failure({"volume", "create", "work:new", "--size", "1M", "rw"}, {"rw"});
}

TEST_F(BadInputTest, WhatDoesNotFitTheKindOfVm) {
  expect_failure({"vm", "create", "work"}, {"exists already"});
  expect_failure({"vm", "create", "new", "--template", "work"}, {"vm 'work' is of kind app", "template"});
  expect_failure({"vm", "create", "new", "--disposable-of", "debian"},
                 {"vm 'debian' is of kind template", "app VM"});
  expect_failure({"vm", "create", "new", "--template", "debian", "-p", "root=varlib-2"}, {"root"});
  expect_failure({"vm", "create", "new", "--template", "debian", "--size", "root=1M"}, {"root"});
  expect_failure({"vm", "set", "debian", "template", "debian"}, {"template"});
  expect_failure({"vm", "set", "work", "template", "work"}, {"work"});
  expect_failure({"vm", "remove", "debian"}, {"it is the template of 'work'"});
  expect_failure({"pool", "remove", "varlib"}, {"varlib"});
}

TEST_F(BadInputTest, ABadNameOfAVm) {
  for (const auto& name : bad_names) {
    expect_bad_word({"vm", "create", name});
    expect_bad_word({"vm", "start", name});
    expect_bad_word({"vm", "run-throwaway", "work", name});
    expect_bad_word({"vm", "create", "--", name});
  }
}

TEST_F(BadInputTest, ABadNameOfAPoolOrVolumeOrKernel) {
  const std::string parameter = "dir_path=" + (directory() / "other").native();
  for (const auto& name : bad_names) {
    expect_bad_word({"pool", "add", "--driver", "file", "-o", parameter, "--", name});
    expect_bad_word({"volume", "create", "--size", "1M", "--", "work:" + name});
    expect_bad_word({"vm", "create", "new", "--kernel=" + name});
    expect_bad_word({"vm", "create", "new", "-p", name + "=varlib"});
  }
}

TEST_F(BadInputTest, AMissingOrUnfitRootImage) {
  expect_failure({"vm", "create", "new", "--root-image", "/nowhere/image"}, {"'/nowhere/image'"});
  expect_failure({"vm", "create", "new", "--root-image", directory().native()}, {directory().native()});
  const Path empty = directory() / "empty", image = directory() / "image";
  create_sparse(empty, Bytes{0});
  create_sparse(image, mebibytes(1));
  expect_failure({"vm", "create", "new", "--root-image", empty.native()},
                 {"'" + empty.native() + "' is empty"});
  expect_failure({"vm", "create", "new", "--root-image", image.native(), "--size", "root=512"},
                 {image.native()});
  expect_failure({"vm", "create", "new", "--template", "debian", "--root-image", image.native()},
                 {"snapshot"});
}

TEST_F(BadInputTest, AMissingImageIsNamed) {
  const Path image = state() / "vm-templates/debian/root.img";
  unlink_if_exists(image);
  expect_failure({"volume", "verify", "debian:root"}, {"'" + image.native() + "'"});
  expect_failure({"volume", "verify", "work:root"}, {"'" + image.native() + "'"});
}

TEST_F(BadInputTest, ABadSize) {
  for (const auto& [size, why] :
       std::vector<std::pair<std::string, std::string>>{{"0", "0 is not allowed"},
                                                        {"-1", "-1"},
                                                        {"-1M", "-1M"},
                                                        {"513", "multiple of 512"},
                                                        {"1000", "multiple of 512"},
                                                        {"1.5G", "1.5G"},
                                                        {"1X", "1X"},
                                                        {"", ""},
                                                        {"M", "M"},
                                                        {"ten", "ten"},
                                                        {"1M M", "1M M"},
                                                        {"9223372036854775808", ""},
                                                        {"18446744073709551616", "18446744073709551616"},
                                                        {"99999999999999999999G", "99999999999999999999G"},
                                                        {"16777216T", ""}}) {
    expect_failure({"vm", "create", "new", "--size", "root=" + size}, {why});
    expect_bad_word({"volume", "create", "work:new", "--size=" + size}, {why});
  }
  expect_failure({"vm", "create", "new", "--size", "root"}, {"root"});
  expect_failure({"vm", "create", "new", "--size", "root=1M", "--size", "root=2M"}, {"root"});
}

}  // namespace
}  // namespace cowshed::test
