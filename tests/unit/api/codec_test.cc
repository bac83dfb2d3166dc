// SPDX-License-Identifier: Apache-2.0
#include "api/codec.h"

#include <gtest/gtest.h>

#include "api/methods.h"

namespace cowshed::api {
namespace {

using nlohmann::json;

template <typename T>
T there_and_back(const T& value) {
  json encoded;
  encode(encoded, value);
  T decoded{};
  decode(json::parse(encoded.dump()), decoded, Unknown::refuse);
  return decoded;
}

/// Where it says that something is wrong.
template <typename T>
std::string refused(const char* text) {
  T value{};
  try {
    decode(json::parse(text), value, Unknown::refuse);
  } catch (const BadParameter& bad) {
    return bad.name;
  }
  return "accepted";
}

TEST(CodecTest, AVolumeComesBackAsItWas) {
  VolumeInfo volume;
  volume.vm = "work";
  volume.name = "root";
  volume.cow_limit = Bytes{1ULL << 40U};
  volume.is_dirty = true;
  volume.revisions_to_keep = -1;
  volume.error = Error(ErrorKind::no_space, "full", 28);
  volume.error->at("/a");
  volume.revisions = {{"1", std::chrono::system_clock::from_time_t(1'700'000'000)}};
  volume.layers.emplace_back().role = "view";
  volume.layers.back().generation = 7;
  const auto back = there_and_back(volume);
  EXPECT_EQ(back.cow_limit->count, 1ULL << 40U);
  EXPECT_EQ(back.is_dirty, true);
  EXPECT_FALSE(back.is_outdated);
  EXPECT_EQ(back.revisions_to_keep, -1);
  EXPECT_EQ(back.error->kind(), ErrorKind::no_space);
  EXPECT_EQ(back.error->error_number(), 28);
  EXPECT_EQ(back.error->json_pointer(), "/a");
  EXPECT_EQ(back.revisions.at(0).created, volume.revisions.at(0).created);
  EXPECT_EQ(back.layers.at(0).generation, 7u);
}

TEST(CodecTest, ATextWithANulIsRefused) {
  EXPECT_EQ(refused<VolumeExport>(R"({"volume":"t:root","file":"/etc/passwd\u0000.img"})"), "file");
  EXPECT_EQ(refused<VmStart>(R"({"vms":["t","t\u0000"]})"), "vms/1");
}

TEST(CodecTest, OrderAndDoubledPropertiesSurvive) {
  VolumeCreate request;
  request.volume = "w:data";
  request.properties = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
  EXPECT_EQ(there_and_back(request).properties, request.properties);
}

TEST(CodecTest, WhatIsWrongIsNamedByItsPlace) {
  EXPECT_EQ(refused<VmStart>(R"({"vms":["a",7]})"), "vms/1");
  EXPECT_EQ(refused<VmStart>(R"({"vms":"a"})"), "vms");
  EXPECT_EQ(refused<VmStart>(R"({"vms":[],"x":1})"), "x");
  EXPECT_EQ(refused<VmStop>(R"({"vms":[],"discard":"yes"})"), "discard");
  EXPECT_EQ(refused<VolumeCreate>(R"({"volume":"a:b","properties":[{"key":"a"}]})"), "properties/0/value");
  EXPECT_EQ(refused<VolumeSet>(R"({"volume":"a:b","key":"k"})"), "value");
  EXPECT_EQ(refused<PoolAdd>(R"({"pool":"p","parameters":{"a":1}})"), "parameters/a");
  EXPECT_EQ(refused<PoolAdd>(R"({"pool":"p","plugin":"relative.so"})"), "plugin");
  EXPECT_EQ(refused<VmStart>("[]"), "");
}

TEST(CodecTest, NumbersThatDoNotFitAreRefused) {
  EXPECT_EQ(refused<VolumeInfo>(R"({"revisions_to_keep":99999999999})"), "vm");
  EXPECT_EQ(refused<Progress>(R"({"done":-1,"total":1})"), "done");
  EXPECT_EQ(refused<Progress>(R"({"done":1.5,"total":1})"), "done");
}

TEST(CodecTest, AnOlderClientIgnoresWhatANewerServiceAdds) {
  VmResult result;
  decode(json::parse(R"({"vm":"a","devices":[],"colour":"red"})"), result, Unknown::ignore);
  EXPECT_EQ(result.vm, "a");
}

}  // namespace
}  // namespace cowshed::api
