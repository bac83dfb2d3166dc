// SPDX-License-Identifier: Apache-2.0
#include "layers/names.h"

#include <gtest/gtest.h>

namespace cowshed::layers {
namespace {

const FileId here{1, 2};
const FileId elsewhere{1, 3};

VolumeKey key(const std::string& vid, FileId pool = here) { return {pool, PoolName("varlib"), Vid(vid)}; }

TEST(Names, a_uuid_can_be_taken_apart_again) {
  for (const Role role : {Role::view, Role::origin, Role::overlay, Role::snapshot, Role::plain,
                          Role::ephemeral, Role::crypt, Role::zero}) {
    const auto parsed = parse_uuid(key("vm-templates/debian-12/root").uuid(role, 17).str());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->volume, key("vm-templates/debian-12/root").volume());
    EXPECT_EQ(vid_text(parsed->volume), "vm-templates/debian-12/root");
    EXPECT_EQ(parsed->role, role);
    EXPECT_EQ(parsed->number, 17u);
  }
}

TEST(Names, what_is_not_ours_is_not_taken_apart) {
  for (const char* text :
       {"", "LVM-abc", "COWSHED-", "COWSHED-0123456789abcdef-", "COWSHED-0123456789abcdef-a-view-",
        "COWSHED-0123456789abcdef-a-view-x", "COWSHED-0123456789abcdef-a-other-1",
        "COWSHED-0123456789abcdef-view-1", "COWSHED-0123456789abcdef-a-view-1x"})
    EXPECT_FALSE(parse_uuid(text).has_value()) << text;
}

TEST(Names, two_pools_never_share_a_uuid_or_a_name) {
  const auto a = key("appvms/work/root"), b = key("appvms/work/root", elsewhere);
  EXPECT_NE(a.uuid(Role::view, 1), b.uuid(Role::view, 1));
  EXPECT_NE(a.name(Role::view, 1), b.name(Role::view, 1));
}

TEST(Names, volumes_that_could_be_confused_are_not) {
  EXPECT_NE(key("appvms/a-b/root").volume(), key("appvms/a/b-root").volume());
  EXPECT_NE(key("appvms/a.b/root").volume(), key("appvms/a/b.root").volume());
}

TEST(Names, the_longest_names_fit_the_kernel_and_stay_different) {
  const std::string vm(VmNameTag::max_length, 'v');
  const VolumeKey a(here, PoolName(std::string(PoolNameTag::max_length, 'p')),
                    Vid("vm-templates/" + vm + "/root"));
  const VolumeKey b(here, PoolName(std::string(PoolNameTag::max_length, 'p')),
                    Vid("vm-templates/" + vm + "/rood"));
  EXPECT_NO_THROW(a.uuid(Role::ephemeral, UINT64_MAX));
  EXPECT_NO_THROW(a.name(Role::view, 9'999'999));
  EXPECT_NO_THROW(a.name(Role::ephemeral, 9'999'999));
  EXPECT_NO_THROW(a.name(Role::crypt, 9'999'999));
  EXPECT_NE(a.volume(), b.volume());
  EXPECT_TRUE(parse_uuid(a.uuid(Role::snapshot, UINT64_MAX).str()).has_value());
}

TEST(Names, a_warm_layer_is_told_by_its_name_and_which_pool_it_is_of) {
  const std::string vm(VmNameTag::max_length, 'v');
  for (const auto& volume : {key("vm-templates/debian/root"), key("vm-templates/" + vm + "/root")}) {
    const std::string name = volume.warm_name(1'048'575).str();
    EXPECT_TRUE(is_warm_name(name));
    EXPECT_TRUE(name.starts_with(warm_name_prefix(here)));
    EXPECT_FALSE(name.starts_with(warm_name_prefix(elsewhere)));
  }
  EXPECT_NE(key("a/b/root").warm_name(1), key("a/b/root").warm_name(2));
  EXPECT_NE(key("a/b/root").warm_name(1), key("a/c/root").warm_name(1));
  EXPECT_FALSE(is_warm_name(key("appvms/work/root").name(Role::snapshot, 7).str()));
}

TEST(Names, what_is_on_its_way_out_under_a_guests_layer_does_not_hold_up_the_next_start) {
  EXPECT_NE(key("appvms/work/volatile").name(Role::crypt, 1),
            key("appvms/work/volatile").name(Role::crypt, 2));
  EXPECT_EQ(key("appvms/work/volatile").name(Role::ephemeral, 1),
            key("appvms/work/volatile").name(Role::ephemeral, 2));
}

TEST(Names, a_stopped_layer_is_told_by_its_name) {
  EXPECT_TRUE(is_gone_name(gone_name({254, 7}).str()));
  EXPECT_FALSE(is_gone_name(key("appvms/work/root").name(Role::snapshot, 7).str()));
}

}  // namespace
}  // namespace cowshed::layers
