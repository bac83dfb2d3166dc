// SPDX-License-Identifier: Apache-2.0
// What `volume set` takes of each kind of volume (docs/configuration.md).
#include "app/volume_properties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/errors.h"

namespace cowshed::app {
namespace {

using pools::VolumeKind;
using pools::VolumeProperties;
using test::error_of;

constexpr VolumeKind volatile_ = VolumeKind::volatile_, origin = VolumeKind::origin,
                     snapshot = VolumeKind::snapshot, origin_snapshot = VolumeKind::origin_snapshot;

VolumeProperties of_kind(VolumeKind kind, bool rw = true) {
  VolumeProperties properties{.name = VolumeName("x"), .vid = Vid("appvms/a/x"), .rw = rw};
  properties.snap_on_start = kind == snapshot || kind == origin_snapshot;
  properties.save_on_stop = kind == origin || kind == origin_snapshot;
  if (!properties.snap_on_start) properties.size = mebibytes(1);
  return properties;
}

struct Rule {
  const char *key, *value;
  /// All others refuse it.
  std::vector<VolumeKind> allowed;
};

class VolumePropertyRule : public ::testing::TestWithParam<Rule> {};

TEST_P(VolumePropertyRule, HoldsForEachKind) {
  for (const VolumeKind kind : {volatile_, origin, snapshot, origin_snapshot}) {
    const auto before = of_kind(kind);
    auto properties = before;
    const auto refusal = error_of([&] { set_property(properties, GetParam().key, GetParam().value); });
    const bool is_allowed = std::ranges::count(GetParam().allowed, kind) > 0;
    EXPECT_EQ(!refusal, is_allowed) << to_string(kind) << ": " << (refusal ? refusal->message() : "taken");
    if (!refusal) continue;
    EXPECT_EQ(refusal->kind(), ErrorKind::invalid_argument);
    EXPECT_NE(refusal->message().find(GetParam().key), std::string::npos) << refusal->message();
    EXPECT_EQ(properties.revisions_to_keep, before.revisions_to_keep);
    EXPECT_EQ(properties.write_policy, before.write_policy);
    EXPECT_EQ(properties.keep_changes, before.keep_changes);
    EXPECT_EQ(properties.ephemeral, before.ephemeral);
    EXPECT_EQ(properties.rw, before.rw);
  }
}

const std::vector<VolumeKind> all{volatile_, origin, snapshot, origin_snapshot};
const std::vector<VolumeKind> none;

/// "revisions_to_keep_m1"
const auto name_of = [](const auto& info) {
  std::string name = std::string(info.param.key) + "_" + info.param.value;
  std::ranges::replace(name, '-', 'm');
  std::erase(name, '.');
  return name;
};

INSTANTIATE_TEST_SUITE_P(
    All, VolumePropertyRule,
    ::testing::Values(Rule{"rw", "false", all}, Rule{"rw", "true", all}, Rule{"rw", "maybe", none},
                      Rule{"rw", "default", none}, Rule{"revisions_to_keep", "-2", none},
                      Rule{"revisions_to_keep", "-1", {origin}}, Rule{"revisions_to_keep", "0", all},
                      Rule{"revisions_to_keep", "1", {origin, origin_snapshot}},
                      Rule{"revisions_to_keep", "7", {origin, origin_snapshot}},
                      Rule{"revisions_to_keep", "default", all}, Rule{"revisions_to_keep", "1.5", none},
                      Rule{"revisions_to_keep", "99999999999", none},
                      Rule{"write_policy", "overlay", {origin, origin_snapshot}},
                      Rule{"write_policy", "in-place", {origin, origin_snapshot}},
                      Rule{"write_policy", "default", all}, Rule{"write_policy", "both", none},
                      Rule{"keep_changes", "true", {snapshot}}, Rule{"keep_changes", "false", all},
                      Rule{"keep_changes", "default", none}, Rule{"ephemeral", "true", {volatile_}},
                      Rule{"ephemeral", "false", all}, Rule{"ephemeral", "default", all},
                      Rule{"ephemeral", "maybe", none}, Rule{"snap_on_start", "true", none},
                      Rule{"save_on_stop", "true", none}),
    name_of);

TEST(VolumeProperties, WhatTheGuestCannotWriteIsNotEncrypted) {
  auto read_only = of_kind(volatile_, false);
  test::expect_error(ErrorKind::invalid_argument, [&] { set_property(read_only, "ephemeral", "true"); });
  auto encrypted = of_kind(volatile_);
  set_property(encrypted, "ephemeral", "true");
  test::expect_error(ErrorKind::invalid_argument, [&] { set_property(encrypted, "rw", "false"); });
  set_property(encrypted, "ephemeral", "default");
  EXPECT_EQ(encrypted.ephemeral, std::nullopt);
  set_property(encrypted, "rw", "false");
}

TEST(VolumeProperties, AnUnknownKeyIsRefusedWithThoseThereAre) {
  auto properties = of_kind(origin);
  const auto error = error_of([&] { set_property(properties, "colour", "red"); });
  ASSERT_TRUE(error.has_value());
  for (const char* key : {"rw", "revisions_to_keep", "write_policy", "keep_changes", "ephemeral"})
    EXPECT_NE(error->message().find(key), std::string::npos) << error->message();
  EXPECT_EQ(error->message().find("save_on_stop"), std::string::npos) << error->message();
}

}  // namespace
}  // namespace cowshed::app
