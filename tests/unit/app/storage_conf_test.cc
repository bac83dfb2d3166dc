// SPDX-License-Identifier: Apache-2.0
#include "app/storage_conf.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::app {
namespace {

std::vector<ConfPool> parse(const std::string& text) { return parse_storage_conf(text, "storage.conf"); }

void expect_refused(const std::string& text, const std::string& part,
                    ErrorKind kind = ErrorKind::invalid_argument) {
  const auto error = test::error_of([&] { parse(text); });
  ASSERT_TRUE(error.has_value()) << text;
  EXPECT_EQ(error->kind(), kind) << text;
  EXPECT_TRUE(error->message().starts_with("'storage.conf': ")) << error->message();
  EXPECT_NE(error->message().find(part), std::string::npos) << error->message();
}

TEST(StorageConfTest, APoolHasItsDirectoryAndXenIsTheDriverFile) {
  const auto pools = parse("[foo]\ndriver=xen\ndir_path=/opt/qubes-vm\n");
  ASSERT_EQ(pools.size(), 1U);
  EXPECT_EQ(pools[0].name.str(), "foo");
  EXPECT_EQ(pools[0].definition.driver, "file");
  EXPECT_EQ(pools[0].definition.parameters, (pools::Parameters{{"dir_path", "/opt/qubes-vm"}}));
}

TEST(StorageConfTest, OnlyDefaultHasADirectoryOfItsOwn) {
  EXPECT_EQ(parse("[default]\ndriver=xen\n")[0].definition.parameters.at("dir_path"), "/var/lib/qubes");
  EXPECT_EQ(parse("[default]\ndriver=xen\ndir_path=/q")[0].definition.parameters.at("dir_path"), "/q");
  expect_refused("[foo]\ndriver=xen\n", "line 1: pool 'foo' has no dir_path");
}

TEST(StorageConfTest, RemarksBlanksAndColonsAreThoseOfPythonsConfigParser) {
  const auto pools = parse(
      "# one\n; two\n\n[default] ; poolname\r\nDRIVER : xen ; the default\n  ; indented\n"
      "[foo]\ndriver = xen\ndir_path\t=\t/with #sharp;and=more ; remark\n");
  ASSERT_EQ(pools.size(), 2U);
  EXPECT_EQ(pools[1].definition.parameters.at("dir_path"), "/with #sharp;and=more");
}

TEST(StorageConfTest, AClassIsExplained) {
  expect_refused("[b]\ndir_path=/b\nclass=foo.bar.MyStorage\n", "line 3: class= names a Python class",
                 ErrorKind::not_supported);
  expect_refused("[b]\nclass=foo.bar.MyStorage\n", "cowshed pool add b --plugin FILE",
                 ErrorKind::not_supported);
  expect_refused("[b]\nclass=qubes.storage.xen.XenStorage\n", "write driver=xen", ErrorKind::not_supported);
}

TEST(StorageConfTest, WhatIsNotUnderstoodIsRefusedWithItsLine) {
  expect_refused("", "no pool");
  expect_refused("# nothing\n", "no pool");
  expect_refused("driver=xen\n", "line 1: it stands before");
  expect_refused("[a]\nnonsense\n", "line 2: it is neither");
  expect_refused("[a\ndriver=xen\n", "line 1: ']' is missing");
  expect_refused("[a] b\n", "line 1: there is more");
  expect_refused("[a]\ndriver=xen\ndir_path=/a\n[a]\n", "line 4: section [a] begins on line 1 already");
  expect_refused("[a]\ndriver=xen\nDriver=xen\n", "line 3: 'driver' is set on line 2 already");
  expect_refused("[a]\ndriver=xen\ndir_path=/a\n  /b\n", "line 4: it goes on");
  expect_refused("[a]\ndriver=xen\ndir_path=/a\nsize=1\n", "line 4: unknown key 'size'");
  expect_refused("[default]\ntype=xen\n", "type is called driver");
  expect_refused("[a]\ndriver=lvm\ndir_path=/a\n", "line 2: there is no driver 'lvm'");
  expect_refused("[a]\ndriver=\ndir_path=/a\n", "line 2: there is no driver ''");
  expect_refused("[a]\ndir_path=/a\n", "line 1: pool 'a' has no driver");
  expect_refused("[a]\ndriver=xen\ndir_path=a\n", "line 3: dir_path 'a' is no absolute path");
  expect_refused("[a]\ndriver=xen\ndir_path=\n", "line 3: dir_path '' is no absolute path");
  expect_refused("[a b]\ndriver=xen\ndir_path=/a\n", "line 1: pool name 'a b'");
  expect_refused("[]\ndriver=xen\n", "line 1: pool name ''");
  expect_refused("[DEFAULT]\ndriver=xen\n", "line 1: [DEFAULT]");
  expect_refused(std::string("[a]\ndriver=x\0en\n", 16), "line 2: it holds control characters");
  expect_refused("[a]\n\x1b[2J=1\n", "line 2: it holds control characters");
}

}  // namespace
}  // namespace cowshed::app
