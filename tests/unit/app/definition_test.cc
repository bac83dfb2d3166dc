// SPDX-License-Identifier: Apache-2.0
#include "app/definition.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::app {
namespace {

using test::error_of;

const Path file("/state/file.json");

struct Broken {
  const char* name;
  const char* text;
  const char* pointer;
  const char* why;
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

void expect_refused(const std::optional<Error>& error, const Broken& broken) {
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(error->json_pointer(), broken.pointer) << error->message();
  EXPECT_NE(error->message().find("'/state/file.json' at "), std::string::npos) << error->message();
  EXPECT_NE(error->message().find(broken.why), std::string::npos) << error->message();
}

class BrokenConfig : public ::testing::TestWithParam<Broken> {};
class BrokenVm : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenConfig, IsRefusedWithFileAndPointer) {
  expect_refused(error_of([] { decode_config(GetParam().text, file); }), GetParam());
}

TEST_P(BrokenVm, IsRefusedWithFileAndPointer) {
  expect_refused(error_of([] { decode_vm(GetParam().text, file); }), GetParam());
}

const auto name_of = [](const auto& info) { return std::string(info.param.name); };

INSTANTIATE_TEST_SUITE_P(
    All, BrokenConfig,
    ::testing::Values(
        Broken{"Empty", "", "", "unexpected end"},
        Broken{"Truncated", R"({"format":1,"pools":{"a":{"dri)", "/pools/a", ""},
        Broken{"NoObject", "[]", "", "must be an object"},
        Broken{"TrailingText", R"({"format":1,"pools":{}} x)", "", ""},
        Broken{"NoFormat", R"({"pools":{}})", "/format", "missing"},
        Broken{"OtherFormat", R"({"format":2,"pools":{}})", "/format", "format 2"},
        Broken{"FormatText", R"({"format":"1","pools":{}})", "/format", "whole number"},
        Broken{"DoubledKey", R"({"format":1,"pools":{},"pools":{}})", "/pools", "twice"},
        Broken{"DoubledPool", R"({"format":1,"pools":{"a":{"driver":"file"},"a":{"driver":"file"}}})",
               "/pools/a", "twice"},
        Broken{"UnknownKey", R"({"format":1,"pools":{},"default_pol":"x"})", "/default_pol", "unknown key"},
        Broken{"UnknownKeyWithSlash", R"({"format":1,"pools":{},"a/b~":1})", "/a~1b~0", "unknown key"},
        Broken{"UnknownKeyInPool", R"({"format":1,"pools":{"a":{"driver":"file","x":1}}})", "/pools/a/x",
               "unknown"},
        Broken{"NoDriver", R"({"format":1,"pools":{"a":{}}})", "/pools/a/driver", "missing"},
        Broken{"DriverNumber", R"({"format":1,"pools":{"a":{"driver":3}}})", "/pools/a/driver", "string"},
        Broken{"PoolName", R"({"format":1,"pools":{"../a":{"driver":"file"}}})", "/pools/..~1a", "pool name"},
        Broken{"Revisions", R"({"format":1,"pools":{"a":{"driver":"file","revisions_to_keep":1.5}}})",
               "/pools/a/revisions_to_keep", "whole number"},
        Broken{"NegativeRevisions", R"({"format":1,"pools":{"a":{"driver":"file","revisions_to_keep":-1}}})",
               "/pools/a/revisions_to_keep", "negative"},
        Broken{"EphemeralVolatile",
               R"({"format":1,"pools":{"a":{"driver":"file","ephemeral_volatile":"yes"}}})",
               "/pools/a/ephemeral_volatile", "true or false"},
        Broken{"ParameterList",
               R"({"format":1,"pools":{"a":{"driver":"file","parameters":{"dir_path":[]}}}})",
               "/pools/a/parameters/dir_path", "array"},
        Broken{"DefaultOfNoPool", R"({"format":1,"pools":{},"default_pool":"x"})", "/default_pool",
               "no pool 'x'"},
        Broken{
            "Deep",
            R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}}}}}}}}}})",
            "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "nested"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    All, BrokenVm,
    ::testing::Values(
        Broken{"NoKind", R"({"format":1,"volumes":{}})", "/kind", "missing"},
        Broken{"UnknownKind", R"({"format":1,"kind":"hvm","volumes":{}})", "/kind", "hvm"},
        Broken{"AppWithoutTemplate", R"({"format":1,"kind":"app","volumes":{}})", "/template", "missing"},
        Broken{"TemplateOfTemplate", R"({"format":1,"kind":"template","template":"a","volumes":{}})",
               "/template", "has none"},
        Broken{"TemplateName", R"({"format":1,"kind":"app","template":"a b","volumes":{}})", "/template",
               "vm name"},
        Broken{"VolumesList", R"({"format":1,"kind":"template","volumes":[]})", "/volumes", "object"},
        Broken{"VolumeName",
               R"({"format":1,"kind":"template","volumes":{"a b":{"pool":"p","vid":"a","size":512}}})",
               "/volumes/a b", "volume name"},
        Broken{"NoPool", R"({"format":1,"kind":"template","volumes":{"root":{"vid":"a"}}})",
               "/volumes/root/pool", "missing"},
        Broken{"VidUpwards",
               R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"../x","size":512}}})",
               "/volumes/root/vid", "vid"},
        Broken{"SizeNegative",
               R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":-512}}})",
               "/volumes/root/size", "negative"},
        Broken{"SizeText",
               R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":"10G"}}})",
               "/volumes/root/size", "whole number"},
        Broken{
            "SizeHuge",
            R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":18446744073709551615}}})",
            "/volumes/root/size", "too large"},
        Broken{"SizeNotWholeSectors",
               R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":513}}})",
               "/volumes/root", "multiple of 512"},
        Broken{
            "RwText",
            R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":512,"rw":"no"}}})",
            "/volumes/root/rw", "true or false"},
        Broken{
            "PropertiesThatDoNotFit",
            R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":512,"revisions_to_keep":-1}}})",
            "/volumes/root", "snapshots off"},
        Broken{
            "WritePolicy",
            R"({"format":1,"kind":"template","volumes":{"root":{"pool":"p","vid":"a","size":512,"write_policy":"x"}}})",
            "/volumes/root/write_policy", "in-place"}),
    name_of);

TEST(Definition, ConfigComesBackAsItWasWritten) {
  Config config;
  config.pools[PoolName("a")] = {"file", 0, {{"dir_path", "/x y"}}};
  config.pools[PoolName("b")] = {"linux-kernel", std::nullopt, {}};
  config.pools[PoolName("c")] = {"file", 1, {}, true};
  config.defaults.emplace("default_pool_root", PoolName("a"));
  const auto text = encode(config);
  const auto again = decode_config(text, file);
  EXPECT_EQ(encode(again), text);
  EXPECT_EQ(again.pools.at(PoolName("a")).parameters.at("dir_path"), "/x y");
  EXPECT_FALSE(again.pools.at(PoolName("a")).ephemeral_volatile);
  EXPECT_TRUE(again.pools.at(PoolName("c")).ephemeral_volatile);
}

TEST(Definition, VmComesBackAsItWasWritten) {
  VmDefinition vm{
      .kind = VmKind::app, .template_name = VmName("t"), .kernel = KernelName("6.1"), .volumes = {}};
  pools::VolumeProperties properties{
      .name = VolumeName("private"), .vid = Vid("appvms/a/private"), .size = mebibytes(1)};
  properties.save_on_stop = true;
  properties.revisions_to_keep = 0;
  properties.write_policy = pools::WritePolicy::overlay;
  properties.cow_limit = mebibytes(3);
  properties.warm = 2;
  properties.ephemeral = false;
  vm.volumes.push_back({PoolName("p"), properties});
  const auto text = encode(vm);
  EXPECT_EQ(encode(decode_vm(text, file)), text);
  EXPECT_EQ(decode_vm(text, file).volumes[0].properties.ephemeral, false);
}

/// The first version ever written; it must be read for ever.
TEST(Definition, GoldenVmOfFormat1IsRead) {
  const auto vm = decode_vm(R"({"format":1,"kind":"app","template":"t","kernel":"6.1","volumes":{
      "root":{"pool":"varlib","vid":"appvms/w/root","rw":true,"snap_on_start":true,"save_on_stop":false},
      "data":{"pool":"varlib","vid":"appvms/w/data","size":1048576,"rw":false,"snap_on_start":false,
              "save_on_stop":true,"revisions_to_keep":-1},
      "volatile":{"pool":"varlib","vid":"appvms/w/volatile","size":512,"ephemeral":true}}})",
                            file);
  ASSERT_EQ(vm.volumes.size(), 3u);
  EXPECT_EQ(vm.volumes[0].properties.name.str(), "root");
  EXPECT_EQ(vm.volumes[1].properties.name.str(), "volatile");
  EXPECT_EQ(vm.volumes[2].properties.name.str(), "data");
  EXPECT_EQ(vm.volumes[2].properties.revisions_to_keep, -1);
  EXPECT_EQ(vm.volumes[1].properties.ephemeral, true);
  EXPECT_EQ(vm.volumes[0].properties.ephemeral, std::nullopt);
}

}  // namespace
}  // namespace cowshed::app
